/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Runs seeds, one after the other, and stops at the first that fails: it prints the seed, the check
 * and the last lines of the history. A seed replays exactly.
 *
 *     simulate [--first N] [--seeds N] [--canary N] [--verbose] [--figures] [--without LIST]
 *              [--lines N] [--plan] [--hashes] [--features BITS]
 *
 *     --hashes        a line for each seed: digest of its history, hash of the root's state
 *     --plan          prints the plan of the first seed, and runs nothing
 *     --features      worlds have none but these (SIM_COMMANDS, …)
 *     --without 3,17,…   steps of the plan that are left out
 */
#include "tests/sim/world.h"

#include "core/base/assert.h"

#include <stdlib.h>

static sim_world world;
static sim_plan plan;

typedef struct arguments {
    uint64_t first;
    uint64_t seeds;
    uint64_t lines;
    sim_canary canary;
    uint32_t features;
    bool verbose;
    bool figures;
    bool plan;
    bool hashes;
    bool some_out;
    bool only[SIM_STEPS_MAX];
} arguments;

static void leave_out(arguments *a, const char *list) {
    RV_ASSERT(list != NULL);
    a->some_out = true;
    while (*list != '\0') {
        char *end = NULL;
        const unsigned long step = strtoul(list, &end, 10);
        if (step < SIM_STEPS_MAX) {
            a->only[step] = false;
        }
        list = *end == ',' ? end + 1 : end;
        if (end == list && *end != '\0') {
            return;
        }
    }
}

static bool read_arguments(int count, char **texts, arguments *a) {
    *a = (arguments){.first = 1, .seeds = 1, .lines = 60, .features = SIM_FEATURES_ALL};
    for (uint32_t i = 0; i < SIM_STEPS_MAX; i++) {
        a->only[i] = true;
    }
    for (int i = 1; i < count; i++) {
        const char *const name = texts[i];
        const char *const value = i + 1 < count ? texts[i + 1] : "";
        if (strcmp(name, "--verbose") == 0) {
            a->verbose = true;
            continue;
        }
        if (strcmp(name, "--figures") == 0) {
            a->figures = true;
            continue;
        }
        if (strcmp(name, "--hashes") == 0) {
            a->hashes = true;
            continue;
        }
        if (strcmp(name, "--plan") == 0) {
            a->plan = true;
            continue;
        }
        i += 1;
        if (strcmp(name, "--first") == 0) {
            a->first = strtoull(value, NULL, 10);
        } else if (strcmp(name, "--seeds") == 0) {
            a->seeds = strtoull(value, NULL, 10);
        } else if (strcmp(name, "--lines") == 0) {
            a->lines = strtoull(value, NULL, 10);
        } else if (strcmp(name, "--canary") == 0) {
            a->canary = (sim_canary)(strtoul(value, NULL, 10) % SIM_CANARY_COUNT);
        } else if (strcmp(name, "--features") == 0) {
            a->features = (uint32_t)strtoul(value, NULL, 0);
        } else if (strcmp(name, "--without") == 0) {
            leave_out(a, value);
        } else {
            return false;
        }
    }
    return true;
}

static void print_plan(uint64_t seed, uint32_t features) {
    sim_plan_make(&plan, seed, features);
    printf("seed %llu: %u steps, %u members, schema %s, %u keys\n", (unsigned long long)seed,
           plan.step_count, (unsigned)plan.member_count, sim_schema_of(plan.schema)->name,
           plan.keys);
    for (uint8_t i = 0; i < plan.member_count; i++) {
        const sim_member_plan *const m = &plan.members[i];
        printf("member %u: %s, %zu bytes, from %lld\n", (unsigned)i, i == 0 ? "root" : "edge",
               m->memory, (long long)m->starts_at);
        if (m->takes != NULL) {
            printf("    may lose the right to %s\n", m->takes);
        }
        for (uint8_t k = 0; k < m->selection_count; k++) {
            for (uint8_t e = 0; e < m->selections[k].count; e++) {
                char text[SIM_ENTRY_LEN];
                sim_entry_text(&m->selections[k].entries[e], text);
                printf("    selection %u: %s\n", (unsigned)k, text);
            }
        }
    }
    for (uint32_t i = 0; i < plan.step_count; i++) {
        const sim_step *const step = &plan.steps[i];
        printf("%4u %10lld member %u: %s\n", i, (long long)step->at, (unsigned)step->member,
               sim_step_text(step->kind));
    }
    RV_ASSERT(plan.step_count <= SIM_STEPS_MAX);
}

int main(int count, char **texts) {
    arguments a;
    sim_figures sum = {0};
    int result = 0;
    if (!read_arguments(count, texts, &a)) {
        fprintf(stderr, "simulate: see the head of tests/sim/simulate.c\n");
        return 2;
    }
    if (a.plan) {
        print_plan(a.first, a.features);
        return 0;
    }
    world.history.verbose = a.verbose;
    for (uint64_t seed = a.first; seed < a.first + a.seeds && result == 0; seed++) {
        sim_plan_make(&plan, seed, a.features);
        sim_world_run(&world, &plan, a.some_out ? a.only : NULL, a.canary);
        sim_figures_add(&sum, &world.figures);
        if (a.hashes) {
            printf("%llu %016llx %016llx%016llx\n", (unsigned long long)seed,
                   (unsigned long long)world.history.digest, (unsigned long long)world.hash.high,
                   (unsigned long long)world.hash.low);
        }
        if (world.failure.check != SIM_CHECK_NONE) {
            if (!a.verbose) {
                sim_history_print(&world.history, a.lines, stdout);
            }
            printf("FAILED seed %llu, %u steps: %s: %s\n", (unsigned long long)seed,
                   plan.step_count, sim_check_text(world.failure.check), world.failure.text);
            result = 1;
        }
    }
    if (a.figures) {
        sim_figures_print(&sum, stdout);
    }
    sim_world_free(&world);
    return result;
}
