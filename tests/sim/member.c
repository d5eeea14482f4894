/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/sim/member.h"

#include "core/base/assert.h"
#include "core/engine/rewind.h"
#include "tests/sim/squeeze.h"
#include "tests/unit/digest.h"

#include <stdlib.h>
#include <string.h>

#define CONNECTIONS_MAX 8
#define POISON          0xa5 /* nothing may rely on what memory held */

static void disk_make(sim_member *member) {
    const rv_sim_disk_options options = {
        .seed = member->seed + member->disk_life,
        .now = SIM_EPOCH_US,
        .changes_max = 512,
    };
    member->disk = rv_sim_disk_create(member->disk_memory, SIM_DISK_MEMORY, &options);
    RV_ASSERT(member->disk != NULL);
    member->tap.inner = rv_sim_disk_interface(member->disk);
}

void sim_member_create(sim_member *member, const sim_plan *plan, uint8_t index) {
    RV_ASSERT(index < plan->member_count);
    const sim_member_plan *const own = &plan->members[index];
    uint8_t *const disk_memory = member->disk_memory;
    *member = (sim_member){.plan = own, .index = index, .skew_us = own->skew_us};
    member->upstream = own->upstream;
    member->memory_next = own->memory;
    member->floor = SIM_FLOOR_NONE;
    member->seed = plan->seed * 1000003 + (uint64_t)index * 101;
    member->disk_memory = disk_memory != NULL ? disk_memory : malloc(SIM_DISK_MEMORY);
    member->sync_memory = malloc(SIM_SYNC_MEMORY);
    RV_ASSERT(member->disk_memory != NULL && member->sync_memory != NULL);
    member->restart_at = own->starts_at;
    member->faults = (rv_sim_faults){.pending_percent = own->pending_percent,
                                     .short_percent = own->short_percent,
                                     .latency_us_max = (uint64_t)own->latency_us_max};
    disk_make(member);
    sim_member_faults_apply(member);
}

void sim_member_free(sim_member *member) {
    sim_directory_free(&member->copy);
    free(member->node_memory);
    free(member->sync_memory);
    member->node_memory = member->sync_memory = NULL;
    RV_ASSERT(member->disk_memory != NULL); /* kept for the next world */
}

void sim_member_advance(sim_member *member, int64_t now) {
    RV_ASSERT(now >= member->disk_now);
    rv_sim_disk_advance(member->disk, (uint64_t)(now - member->disk_now));
    member->disk_now = now;
    rv_sim_disk_set_clock(member->disk, SIM_EPOCH_US + now + member->skew_us);
}

void sim_member_faults_apply(sim_member *member) {
    RV_ASSERT(member->disk != NULL);
    rv_sim_disk_set_faults(member->disk, &member->faults);
}

void sim_member_disk_replace(sim_member *member, const sim_directory *copy) {
    RV_ASSERT(member->life == SIM_DOWN);
    member->disk_life += 1;
    member->durable = 0;
    disk_make(member);
    member->disk_now = 0;
    member->faults.fault = RV_SIM_NO_FAULT;
    if (copy != NULL) {
        sim_directory_put(copy, rv_sim_disk_interface(member->disk));
    }
    sim_member_faults_apply(member);
}

/* Its selection as a node is told; gives the number of entries. */
static size_t entries_of(const sim_member *member, rv_bytes *entries) {
    static char texts[SIM_ENTRIES_MAX][SIM_ENTRY_LEN];
    const sim_selection *const selection = &member->plan->selections[member->selection];
    RV_ASSERT(selection->count <= SIM_ENTRIES_MAX);
    for (uint8_t i = 0; i < selection->count; i++) {
        sim_entry_text(&selection->entries[i], texts[i]);
        entries[i] = rv_bytes_of_string(texts[i]);
    }
    return selection->count;
}

bool sim_member_select(sim_member *member, rv_status *status) {
    rv_bytes entries[SIM_ENTRIES_MAX];
    RV_ASSERT(member->selects && member->life == SIM_UP);
    *status = rv_node_select(member->node, entries, entries_of(member, entries), NULL);
    member->selects = *status == RV_PENDING || *status == RV_BUSY || *status == RV_STORAGE_FULL;
    return !member->selects;
}

void sim_member_start(sim_member *member) {
    rv_bytes patterns[SIM_ENTRIES_MAX];
    RV_ASSERT(member->life == SIM_DOWN && member->node == NULL);
    if (member->memory != member->memory_next) {
        member->memory = member->memory_next;
        free(member->node_memory);
        member->node_memory = malloc(member->memory);
        RV_ASSERT(member->node_memory != NULL);
    }
    const rv_node_options options = {
        .host = sim_tap_interface(&member->tap),
        .memory = member->node_memory,
        .memory_size = member->memory,
        .role = member->plan->role == SIM_ROOT ? RV_ROLE_ROOT : RV_ROLE_EDGE,
        .patterns = patterns,
        .pattern_count = entries_of(member, patterns),
        .checkpoint_growth = member->plan->checkpoint_growth,
        .kept_percent = member->plan->checkpoint_growth > 0 ? UINT32_MAX : 0,
    };
    memset(member->node_memory, POISON, member->memory);
    const rv_status status = rv_node_create(&member->node, &options, NULL);
    RV_ASSERT(status == RV_OK);
    member->process += 1;
    member->provides = false;
    member->selects = false;
    sim_member_disconnected(member);
    member->life = SIM_OPENING;
}

uint64_t sim_member_w(const sim_member *member) {
    RV_ASSERT(member->node != NULL);
    return rv_node_provisional(member->node) ? 0 : rv_node_watermark(member->node);
}

uint8_t sim_member_selection(const sim_member *member) {
    const rv_selection *const held = rv_node_selection(member->node);
    uint8_t at = 0;
    while (at < member->plan->selection_count &&
           !sim_selection_is(&member->plan->selections[at], held)) {
        at += 1;
    }
    RV_ASSERT(at < member->plan->selection_count);
    return at;
}

void sim_member_goes_back(sim_member *member, uint64_t position) {
    sim_helds *const helds = &member->helds;
    const bool swaps = helds->count > 1 && helds->list[helds->count - 1].from >= position;
    while (helds->count > 0 && helds->list[helds->count - 1].from > position) {
        helds->count -= 1;
        helds->gone |= 1u << helds->list[helds->count].selection;
    }
    if (swaps) {
        helds->back = position > helds->back ? position : helds->back;
    }
    if (helds->base > position) {
        helds->base = helds->count > 0 ? helds->list[helds->count - 1].from : 0;
    }
    helds->unsure_to = helds->unsure_to < position ? helds->unsure_to : position;
    RV_ASSERT(helds->base <= position);
}

void sim_member_base(sim_member *member, uint64_t position) {
    sim_helds *const helds = &member->helds;
    if (helds->coming_count > 0 && helds->coming[helds->coming_count - 1] == position) {
        return;
    }
    RV_ASSERT(member->plan->role == SIM_EDGE && helds->coming_count < SIM_BASES_MAX);
    helds->coming[helds->coming_count++] = position;
}

void sim_member_disconnected(sim_member *member) {
    RV_ASSERT(member->helds.coming_count <= SIM_BASES_MAX);
    member->helds.coming_count = 0;
}

static void note_unsure(sim_helds *helds, uint64_t from, uint64_t to) {
    const bool none = helds->unsure_to == 0;
    RV_ASSERT(from <= to);
    if (from < to) {
        helds->unsure_from = none || from < helds->unsure_from ? from : helds->unsure_from;
        helds->unsure_to = to;
    }
}

/* The bases that lie before W have come, or will not; of one at W parts may wait for room on the
 * disk, and be taken with what moves W on. Of several at once it was not seen which were taken
 * whole, and fed by. */
static void take_bases(sim_helds *helds, uint64_t w) {
    uint32_t came = 0, past = 0;
    while (came < helds->coming_count && helds->coming[came] <= w) {
        past += helds->coming[came] < w;
        came += 1;
    }
    if (came == 0) {
        return;
    }
    if (came > 1) {
        note_unsure(helds, helds->coming[0], w);
    }
    helds->base = helds->coming[came - 1];
    helds->coming_count -= past;
    memmove(helds->coming, helds->coming + past, helds->coming_count * sizeof helds->coming[0]);
    RV_ASSERT(helds->base <= w);
}

void sim_member_holds(sim_member *member) {
    size_t fed_by = 0, streams = 0;
    sim_helds *const helds = &member->helds;
    if (member->plan->role != SIM_EDGE || rv_node_rewinding(member->node)) {
        return;
    }
    if (rv_node_identity(member->node) == NULL) { /* it has no log yet */
        sim_helds nothing = {.coming_count = helds->coming_count};
        memcpy(nothing.coming, helds->coming, sizeof nothing.coming);
        *helds = nothing;
        return;
    }
    const uint64_t w = rv_node_watermark(member->node);
    const uint64_t seen = helds->seen < w ? helds->seen : w;
    helds->seen = w;
    take_bases(helds, w);
    const rv_selection *const selection = rv_node_selection(member->node);
    (void)rv_node_patterns(member->node, &fed_by);
    for (size_t i = 0; i < selection->count; i++) {
        streams += selection->entries[i].kind == RV_SELECT_STREAMS;
    }
    sim_held now = {helds->base, sim_member_selection(member), fed_by == streams};
    while (helds->count > 0 && helds->list[helds->count - 1].from > w) {
        helds->count -= 1; /* a crash took it back */
    }
    const sim_held *const last = helds->count > 0 ? &helds->list[helds->count - 1] : NULL;
    if (last != NULL && last->selection == now.selection && last->whole == now.whole) {
        return;
    }
    const sim_selection *const selections = member->plan->selections;
    if (last != NULL &&
        sim_selection_narrows(&selections[last->selection], &selections[now.selection])) {
        now.from = w; /* it takes no base, but may have come with one */
        note_unsure(helds, seen, w);
    }
    while (helds->count > 1 && helds->list[helds->count - 1].from >= now.from) {
        helds->count -= 1; /* for a moment, in which what it had not may have been purged */
        helds->gone |= member->plan->fills ? 1u << helds->list[helds->count].selection : 0;
    }
    RV_ASSERT(helds->count < SIM_HELD_MAX);
    helds->list[helds->count] = now;
    helds->list[helds->count].from = helds->count == 0 ? 0 : now.from;
    helds->count += 1;
    helds->times += 1;
}

/* Of what its node holds now, is all of the past here? */
static bool is_filled(const sim_member *member) {
    RV_ASSERT(member->plan->fills);
    return member->life == SIM_UP && !rv_node_rewinding(member->node) &&
           rv_node_whole(member->node) && !rv_node_fill_of(member->node).active;
}

/* The same where the past of streams is filled in: what was not fed may have come behind that. */
static sim_has has_filled(const sim_member *member, bool fed, rv_bytes path) {
    const sim_helds *const helds = &member->helds;
    const sim_held *const last = helds->count > 0 ? &helds->list[helds->count - 1] : NULL;
    const bool all = last != NULL && last->whole && is_filled(member) &&
                     last->selection == sim_member_selection(member) &&
                     sim_selection_feeds(&member->plan->selections[last->selection], false, path);
    RV_ASSERT(!fed || last != NULL);
    return fed || all ? SIM_HAS : SIM_HAS_MAYBE;
}

/* Was the member fed events of the path, at that position, and did it hold them ever since? */
static bool keeps(const sim_member *member, uint64_t position, rv_bytes path, bool *fed) {
    const sim_helds *const helds = &member->helds;
    bool since = true;
    *fed = false;
    for (uint32_t i = 0; i < helds->count; i++) {
        const sim_held *const held = &helds->list[i];
        const sim_selection *const selection = &member->plan->selections[held->selection];
        const bool feeds = sim_selection_feeds(selection, held->whole, path);
        *fed = held->from < position ? feeds : *fed;
        /* who takes streams without their history from then on has no use for what was before */
        since =
            held->from < position ? feeds : since && sim_selection_feeds(selection, false, path);
    }
    for (uint8_t i = 0; i < SIM_SELECTIONS_MAX; i++) {
        const bool was = (helds->gone >> i & 1u) != 0;
        since = since && (!was || sim_selection_feeds(&member->plan->selections[i], false, path));
    }
    RV_ASSERT(!since || helds->count == 0 || *fed);
    return since;
}

bool sim_member_kept(const sim_member *member, uint64_t position, rv_bytes path) {
    bool fed = false;
    const bool unsure = position > member->helds.unsure_from && position <= member->helds.unsure_to;
    RV_ASSERT(member->plan->role == SIM_EDGE);
    return keeps(member, position, path, &fed) && fed && !unsure;
}

sim_has sim_member_has(const sim_member *member, uint64_t position, rv_bytes path) {
    const sim_helds *const helds = &member->helds;
    bool fed = false;
    if (member->plan->role != SIM_EDGE) {
        return SIM_HAS;
    }
    const bool since = keeps(member, position, path, &fed);
    if (position > helds->unsure_from && position <= helds->unsure_to) {
        return SIM_HAS_MAYBE;
    }
    if (member->plan->fills) {
        return has_filled(member, fed && since, path);
    }
    return !fed ? SIM_HAS_NOT : since ? SIM_HAS : SIM_HAS_MAYBE;
}

void sim_member_opened(sim_member *member) {
    rv_arena arena = rv_arena_over(member->sync_memory, SIM_SYNC_MEMORY);
    const rv_compression none = {.ops = NULL};
    const rv_compression compression = member->plan->squeezes ? sim_squeeze() : none;
    rv_status status = RV_OK;
    RV_ASSERT(member->life == SIM_OPENING);
    if (member->plan->role == SIM_EDGE) {
        const rv_edge_options options = {.node = member->node,
                                         .compression = compression,
                                         .seed = member->seed + member->process};
        status = rv_edge_create(&member->edge, &options, &arena, NULL);
    }
    if (status == RV_OK && member->plan->serves) {
        /* histories are short here: edges are led over less than pays, and more or less of it */
        const uint32_t near = 1 + (uint32_t)((member->seed + member->process) % 8);
        const rv_upstream_options options = {.node = member->node,
                                             .edge = member->edge, /* a gateway relays */
                                             .digest = member->plan->tokens ? &test_digest : NULL,
                                             .compression = compression,
                                             .guide_near = near,
                                             .guide_look = 1 + near / 2,
                                             .connections_max = CONNECTIONS_MAX};
        status = rv_upstream_shared_create(&member->shared, &options, &arena, NULL);
    }
    RV_ASSERT(status == RV_OK);
    member->life = SIM_UP;
}

void sim_member_crash(sim_member *member, rv_sim_crash crash) {
    RV_ASSERT(member->disk != NULL);
    member->faults.crash = crash;
    member->faults.fault = RV_SIM_NO_FAULT;
    member->power_due = false;
    sim_member_faults_apply(member);
    rv_sim_disk_crash(member->disk);
    member->node = NULL;
    member->edge = NULL;
    member->shared = NULL;
    member->life = SIM_DOWN;
}
