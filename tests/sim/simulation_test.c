/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Goal: a root and its edges keep SEMANTICS' promises whatever disks, networks, clocks and
 * processes do; and what the simulator looks for it finds.
 * Method: worlds of the first seeds, each with its own members, schema, faults and workload
 * (docs/simulation.md), checked throughout and brought to convergence; a seed twice is the same to
 * the letter.
 *
 *     test_sim_simulation [SEEDS [FIRST]]
 */
#include "tests/sim/world.h"
#include "tests/unit/test.h"

#include <stdlib.h>

#if defined(RV_SLOW_CHECKS) || defined(__SANITIZE_ADDRESS__)
#define SEEDS 120
#else
#define SEEDS 500
#endif

#define SEEDS_FAILED_MAX 32 /* that are kept, of the same features */

#define FIRST_FOUR     (SIM_COMMANDS | SIM_RIGHTS | SIM_TELLS | SIM_SCANT)
#define FIRST_SIX      (FIRST_FOUR | SIM_FULL | SIM_OLDER)
#define FIRST_SEVEN    (FIRST_SIX | SIM_GATED)
#define FIRST_EIGHT    (FIRST_SEVEN | SIM_FILLS)
#define FIRST_NINE     (FIRST_EIGHT | SIM_ROWS)
#define FIRST_TWELVE   (FIRST_NINE | SIM_RETRIES | SIM_LOSSES | SIM_GATE_FILLS)
#define FIRST_THIRTEEN (FIRST_TWELVE | SIM_GATE_LIMITS)
#define FIRST_FOURTEEN (FIRST_THIRTEEN | SIM_GATE_CHANGES)
#define FIRST_SIXTEEN  (FIRST_FOURTEEN | SIM_UNMET | SIM_TIMES)
#define GATES_CHANGE                                                                               \
    (SIM_TELLS | SIM_GATED | SIM_FILLS | SIM_RETRIES | SIM_LOSSES | SIM_GATE_CHANGES)
#define FIRST_UNMET                                                                                \
    (SIM_RIGHTS | SIM_TELLS | SIM_GATED | SIM_FILLS | SIM_ROWS | SIM_RETRIES | SIM_LOSSES |        \
     SIM_GATE_FILLS | SIM_GATE_CHANGES | SIM_UNMET)
#define FIRST_EIGHTEEN (FIRST_SIXTEEN | SIM_TWINS | SIM_GATE_MIXES)
#define FIRST_TWENTY   (FIRST_EIGHTEEN | SIM_TWIN_RIGHTS | SIM_GATE_TAKES)
#define WITHOUT_TIMES  (FIRST_FOURTEEN | SIM_UNMET | SIM_TWINS | SIM_GATE_MIXES)

static sim_world world;
static sim_plan plan;
static sim_figures sum;
static uint64_t seed_first = 1;
static uint64_t seed_count = SEEDS;

/* Runs the plan of a seed; false when a check failed, which is told. */
static bool run_plan(uint64_t seed) {
    sim_world_run(&world, &plan, NULL, SIM_CANARY_NONE);
    sim_figures_add(&sum, &world.figures);
    if (world.failure.check != SIM_CHECK_NONE) {
        sim_history_print(&world.history, 60, stderr);
        fprintf(stderr, "seed %llu: %s: %s\n", (unsigned long long)seed,
                sim_check_text(world.failure.check), world.failure.text);
        return false;
    }
    return true;
}

static bool run(uint64_t seed) {
    sim_plan_make(&plan, seed, SIM_FEATURES_ALL);
    return run_plan(seed);
}

RV_TEST(worlds_keep_their_promises) {
    for (uint64_t seed = seed_first; seed < seed_first + seed_count; seed++) {
        RV_CHECK(run(seed));
    }
}

/* Each failed once, in a world of the features that there were; what was wrong is told where it was
 * mended. */
RV_TEST(seeds_that_failed) {
    static const struct {
        uint32_t features;
        uint64_t seeds[SEEDS_FAILED_MAX]; /* the rest is 0 */
    } failed[] = {
        {0, {799,  802,  2252, 2327, 3127, 3584, 3705, 4842,  5730,  6931,
             7399, 7799, 8000, 8284, 8342, 9540, 9977, 10731, 11414, 18748}},
        {SIM_RIGHTS, {399, 459, 770}},
        {FIRST_FOUR, {49, 899, 924, 1226, 3140, 5724, 5890, 6732, 8471, 8837, 9295, 9916, 12064}},
        {FIRST_SIX, {919, 2054}},
        {FIRST_SEVEN, {10209}},
        {FIRST_EIGHT, {3330, 4478, 5199, 8046, 9977}},
        {SIM_ROWS, {1025}},
        {SIM_FILLS, {1514}},
        {FIRST_NINE, {2090}},
        {FIRST_TWELVE, {1395, 1719}},
        {FIRST_THIRTEEN, {96, 618, 633, 784}},
        {SIM_GATE_CHANGES, {3, 105}},
        {FIRST_FOURTEEN, {557, 8095}},
        {FIRST_SIXTEEN, {3, 329, 548, 750}},
        {GATES_CHANGE, {5027}},
        {GATES_CHANGE | SIM_TWINS, {5893}},
        {GATES_CHANGE | SIM_TWINS | SIM_GATE_MIXES, {6238}},
        {WITHOUT_TIMES, {385, 668}},
        {FIRST_UNMET, {10101}},
        {SIM_COMMANDS | SIM_TELLS | SIM_RETRIES | SIM_UNMET, {45}},
        {FIRST_EIGHTEEN, {3270, 3817}},
        {WITHOUT_TIMES | SIM_TIMES, {770156, 770477}},
        {FIRST_TWENTY, {3502, 6167}},
    };
    for (size_t i = 0; i < sizeof failed / sizeof failed[0]; i++) {
        for (size_t k = 0; k < SEEDS_FAILED_MAX && failed[i].seeds[k] != 0; k++) {
            sim_plan_make(&plan, failed[i].seeds[k], failed[i].features);
            RV_CHECK(run_plan(failed[i].seeds[k]));
        }
    }
}

RV_TEST(a_seed_replays_exactly) {
    for (uint64_t seed = 1; seed <= 8; seed++) {
        RV_CHECK(run(seed));
        const uint64_t digest = world.history.digest;
        const uint64_t count = world.history.count;
        RV_CHECK(run(seed));
        RV_CHECK_EQ(world.history.count, count);
        RV_CHECK(world.history.digest == digest);
    }
}

/* Has the world that a canary needs one of these features? */
static bool has_some(const sim_features *f, uint32_t features) {
    return features == 0 || ((features & SIM_COMMANDS) != 0 && f->command_percent > 0) ||
           ((features & SIM_RIGHTS) != 0 && f->rights) ||
           ((features & SIM_TELLS) != 0 && f->tells) || ((features & SIM_SCANT) != 0 && f->scant) ||
           ((features & SIM_FULL) != 0 && f->full) || ((features & SIM_OLDER) != 0 && f->older) ||
           ((features & SIM_LOSSES) != 0 && f->losses) ||
           ((features & SIM_RETRIES) != 0 && f->retries) ||
           ((features & SIM_FILLS) != 0 && f->fills) || ((features & SIM_ROWS) != 0 && f->rows) ||
           ((features & SIM_GATE_FILLS) != 0 && f->gate_fills) ||
           ((features & SIM_TWINS) != 0 && f->twins) ||
           ((features & SIM_GATE_CHANGES) != 0 && f->gate_changes);
}

/* Runs seeds with a planted bug until a check finds it; the number of seeds that took, or 0. */
static uint64_t found_after(sim_canary canary, uint32_t features, uint64_t seeds_max,
                            uint32_t *by) {
    for (uint64_t seed = 1; seed <= seeds_max; seed++) {
        sim_plan_make(&plan, seed, features);
        if (!has_some(&plan.features, features)) {
            continue;
        }
        sim_world_run(&world, &plan, NULL, canary);
        if (world.failure.check != SIM_CHECK_NONE) {
            *by |= 1u << world.failure.check;
            return seed;
        }
    }
    return 0;
}

/* Rows, also while something waits. */
#define ROWS (1u << SIM_CHECK_ROWS | 1u << SIM_CHECK_LAID)

/* Each planted bug is found by a check whose matter it is. */
RV_TEST(planted_bugs_are_found) {
    static const struct {
        sim_canary canary;
        uint32_t checks;   /* that may find it first */
        uint32_t features; /* of the worlds: those that it needs */
    } canaries[] = {
        {SIM_CANARY_FLUSH_LIES,
         1u << SIM_CHECK_LOST | 1u << SIM_CHECK_HISTORY | 1u << SIM_CHECK_STATUS, 0},
        {SIM_CANARY_EVENT_SKIPPED, ROWS | 1u << SIM_CHECK_FEED | 1u << SIM_CHECK_DAMAGE, 0},
        {SIM_CANARY_DELIVERED_TWICE, 1u << SIM_CHECK_FEED, 0},
        {SIM_CANARY_W_TOO_HIGH,
         1u << SIM_CHECK_AHEAD | ROWS | 1u << SIM_CHECK_FEED | 1u << SIM_CHECK_CONVERGENCE, 0},
        {SIM_CANARY_BATCH_DROPPED, 1u << SIM_CHECK_LOST | 1u << SIM_CHECK_STATUS, 0},
        {SIM_CANARY_ROW_WRONG, ROWS, 0},
        {SIM_CANARY_ROOT_FORGETS, 1u << SIM_CHECK_LOST, 0},
        {SIM_CANARY_CHANGES_SKIPPED, ROWS, 0},
        {SIM_CANARY_GATEWAY_ROWS, ROWS, SIM_ROWS},
        {SIM_CANARY_BASE_EMPTY, ROWS, 0},
        {SIM_CANARY_REFUSAL_FORGED, 1u << SIM_CHECK_LOST | 1u << SIM_CHECK_CONVERGENCE, 0},
        {SIM_CANARY_LEASED_TWICE, 1u << SIM_CHECK_TWICE | 1u << SIM_CHECK_JUDGEMENT, 0},
        {SIM_CANARY_EXPECTED_LOST, 1u << SIM_CHECK_JUDGEMENT, 0},
        {SIM_CANARY_EPOCH_UNSAID, 1u << SIM_CHECK_CONVERGENCE, 0},
        {SIM_CANARY_BACK_TOO_LITTLE, ROWS | 1u << SIM_CHECK_AHEAD | 1u << SIM_CHECK_CONVERGENCE, 0},
        {SIM_CANARY_READ_MISSED, 1u << SIM_CHECK_LIVE, 0},
        {SIM_CANARY_CHANGE_LEFT_OUT, 1u << SIM_CHECK_LIVE, 0},
        {SIM_CANARY_CHANGE_UNTOLD, 1u << SIM_CHECK_COPY, 0},
        {SIM_CANARY_PAST_MISSED, 1u << SIM_CHECK_PAST, 0},
        {SIM_CANARY_KEPT_WRONG, 1u << SIM_CHECK_PAST, 0},
        {SIM_CANARY_COMMAND_OLD, 1u << SIM_CHECK_COMMAND, SIM_COMMANDS},
        {SIM_CANARY_COMMAND_ID, 1u << SIM_CHECK_COMMAND, SIM_COMMANDS},
        {SIM_CANARY_RIGHT_KEPT, 1u << SIM_CHECK_RIGHTS | 1u << SIM_CHECK_CONVERGENCE, SIM_RIGHTS},
        {SIM_CANARY_PURGE_KEPT, 1u << SIM_CHECK_RIGHTS, SIM_RIGHTS},
        {SIM_CANARY_REJECTION_KEPT, 1u << SIM_CHECK_TOLD, SIM_TELLS},
        {SIM_CANARY_PENDING_TWICE, 1u << SIM_CHECK_TOLD, SIM_TELLS},
        {SIM_CANARY_MEMORY_DENIED, 1u << SIM_CHECK_CONVERGENCE, SIM_SCANT},
        {SIM_CANARY_MEMORY_DENIED, 1u << SIM_CHECK_CONVERGENCE, SIM_FULL},
        {SIM_CANARY_PAST_LOST, 1u << SIM_CHECK_FEED | 1u << SIM_CHECK_CONVERGENCE, SIM_FILLS},
        {SIM_CANARY_ID_CHANGED, 1u << SIM_CHECK_CONTENT, 0},
        {SIM_CANARY_READ_LATE, 1u << SIM_CHECK_FEED, 0},
        {SIM_CANARY_RELAY_KEPT, 1u << SIM_CHECK_LOST | 1u << SIM_CHECK_CONVERGENCE, SIM_LOSSES},
        {SIM_CANARY_RETRY_REFUSED, 1u << SIM_CHECK_JUDGEMENT, SIM_RETRIES},
        {SIM_CANARY_PAST_LOST, 1u << SIM_CHECK_FEED | 1u << SIM_CHECK_CONVERGENCE, SIM_GATE_FILLS},
        {SIM_CANARY_ORDER_GUESSED, ROWS | 1u << SIM_CHECK_FEED | 1u << SIM_CHECK_CONVERGENCE,
         SIM_GATE_CHANGES},
        {SIM_CANARY_LAID_LESS, 1u << SIM_CHECK_LAID, 0},
        {SIM_CANARY_LAID_WRONG, 1u << SIM_CHECK_LAID, 0},
        {SIM_CANARY_ROWS_UNSEEN, ROWS, 0},
        {SIM_CANARY_GUIDED_FAR,
         ROWS | 1u << SIM_CHECK_FEED | 1u << SIM_CHECK_STATUS | 1u << SIM_CHECK_CONVERGENCE, 0},
        {SIM_CANARY_COPY_ID, 1u << SIM_CHECK_TWICE, SIM_TWINS},
        {SIM_CANARY_OLDER_GUESSES, 1u << SIM_CHECK_STALE | ROWS, SIM_OLDER},
    };
    for (size_t i = 0; i < sizeof canaries / sizeof canaries[0]; i++) {
        uint32_t by = 0;
        const uint64_t seeds = found_after(canaries[i].canary, canaries[i].features, 60, &by);
        fprintf(stderr, "%s: found in seed %llu: %s\n", sim_canary_text(canaries[i].canary),
                (unsigned long long)seeds,
                seeds > 0 ? sim_check_text(world.failure.check) : "not at all");
        RV_CHECK(seeds > 0);
        RV_CHECK((by & ~canaries[i].checks) == 0);
    }
}

/* What nobody does proves nothing. */
RV_TEST(everything_is_exercised) {
    RV_CHECK(seed_count >= 100);
    for (uint32_t k = 0; k < SIM_STEP_KIND_COUNT; k++) {
        if (sum.steps[k] == 0) {
            RV_FAIL_AT_("no step: %s", sim_step_text((sim_step_kind)k));
        }
    }
    static const rv_status met[] = {RV_OK,           RV_VERSION_CONFLICT,  RV_EVENT_ID_REUSED,
                                    RV_ROW_EXISTS,   RV_UNKNOWN_REFERENCE, RV_CHECK_VIOLATION,
                                    RV_STORAGE_FULL, RV_UNIQUE_VIOLATION};
    for (size_t i = 0; i < sizeof met / sizeof met[0]; i++) {
        if (sum.statuses[met[i]] == 0) {
            RV_FAIL_AT_("never answered: %s", rv_status_code(met[i]));
        }
    }
    for (uint32_t i = 0; i <= RV_SIM_CRASH_REORDER; i++) {
        RV_CHECK(sum.crashes[i] > 0);
    }
    RV_CHECK(sum.judged > 0 && sum.delivered > 0 && sum.compared > 0 && sum.rolled_back > 0);
    RV_CHECK(sum.written_local > 0 && sum.written_accepted > 0 && sum.written_rejected > 0);
    RV_CHECK(sum.chains > 0 && sum.gateway_bases > 0);
    RV_CHECK(sum.gateways > 0 && sum.moves > 0 && sum.selections_live > 0 && sum.keys > 0);
    RV_CHECK(sum.expected_judged > 0 && sum.conflicts_judged > 0);
    RV_CHECK(sum.selections > 0 && sum.bases > 0 && sum.base_parts > sum.bases);
    RV_CHECK(sum.restores > 0 && sum.epochs > sum.restores / 2 && sum.rewinds > 0);
    RV_CHECK(sum.dropped > 0 && sum.requeued > 0);
    RV_CHECK(sum.live_kept > 0 && sum.live_ran > sum.live_kept && sum.live_spared > 0);
    RV_CHECK(sum.copied > 0 && sum.copies_compared > 0);
    RV_CHECK(sum.copies_resumed > 0 && sum.copies_again > 0);
    RV_CHECK(sum.pasts > 0 && sum.pasts_gone > 0 && sum.pasts_from_kept > 0);
    RV_CHECK(sum.commands > 0 && sum.command_changes > 0 && sum.command_attempts > 0);
    RV_CHECK(sum.command_runs > sum.command_changes && sum.command_states > 0);
    RV_CHECK(sum.command_waits > 0 && sum.commands_met > 0);
    RV_CHECK(sum.commands_nothing > 0 && sum.commands_refused > 0);
    RV_CHECK(sum.rights > 0 && sum.rights_changed > 0 && sum.rights_taken > 0);
    RV_CHECK(sum.tokens_revoked > 0 && sum.rights_sent > 0 && sum.rights_judged > 0);
    RV_CHECK(sum.rights_forbidden > 0 && sum.rights_files > 0 && sum.rights_gated > 0);
    RV_CHECK(sum.told > sum.told_again && sum.told_again > 0 && sum.told_forgotten > 0);
    RV_CHECK(sum.told_waiting > 0 && sum.scant > 0 && sum.stopped > sum.stopped_full);
    RV_CHECK(sum.stopped_full > 0 && sum.older > 0 && sum.opaque > 0 && sum.stale > 0);
    RV_CHECK(sum.fills > 0 && sum.filled > 0 && sum.gate_fills > 0 && sum.times > 0);
    RV_CHECK(sum.gate_changes > 0 && sum.gate_refusals > 0 && sum.gate_mixed > 0);
    RV_CHECK(sum.reads > 0);
    RV_CHECK(sum.laid >= sum.laid_compared && sum.laid_compared > 0);
    RV_CHECK(sum.laid_judged > sum.laid_failed && sum.laid_failed > 0);
    RV_CHECK(sum.guided > 0 && sum.guided_past > sum.guided);
    RV_CHECK(sum.losses > 0 && sum.relayed > sum.lost && sum.lost > 0 && sum.lost_met > 0);
    RV_CHECK(sum.retries > 0 && sum.retried > sum.retries_known);
    RV_CHECK(sum.retries_known > 0 && sum.retries_met > 0);
    RV_CHECK(sum.twins > 0 && sum.twin_copies > sum.twins_apart && sum.twins_apart > 0);
    RV_CHECK(sum.twin_shared > 0 && sum.met > 0);
    RV_CHECK(sum.gate_mixes > sum.gate_mixes_rows && sum.gate_mixes_rows > 0);
    RV_CHECK(sum.gate_mixes_rights > 0);
    RV_CHECK(sum.rows > 0 && sum.gateway_changes > sum.rows);
    RV_CHECK(sum.queries > sum.questions && sum.questions > 0 && sum.damage_told > 0 &&
             sum.damage_cut > 0);
    RV_CHECK(sum.opened_by_checkpoint > 0 && sum.messages_lost > 0 && sum.disk_failures > 0);
}

int main(int count, char **texts) {
    if (count > 1) {
        seed_count = strtoull(texts[1], NULL, 10);
    }
    if (count > 2) {
        seed_first = strtoull(texts[2], NULL, 10);
    }
    RV_RUN(worlds_keep_their_promises);
    if (count == 1) {
        RV_RUN(everything_is_exercised);
    }
    RV_RUN(seeds_that_failed);
    RV_RUN(a_seed_replays_exactly);
    RV_RUN(planted_bugs_are_found);
    sim_world_free(&world);
    return rv_test_done();
}
