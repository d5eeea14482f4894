/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/sim/world.h"

#include "core/base/assert.h"

RV_STATIC_ASSERT(sizeof(sim_figures) % sizeof(uint64_t) == 0, "figures are all of one size");

void sim_figures_add(sim_figures *sum, const sim_figures *one) {
    uint64_t to[sizeof *sum / sizeof(uint64_t)];
    uint64_t from[sizeof *one / sizeof(uint64_t)];
    memcpy(to, sum, sizeof *sum);
    memcpy(from, one, sizeof *one);
    for (size_t i = 0; i < sizeof to / sizeof to[0]; i++) {
        to[i] += from[i];
    }
    memcpy(sum, to, sizeof *sum);
    RV_ASSERT(sum->runs >= one->runs);
}

static void line(FILE *to, const char *name, uint64_t value) {
    RV_ASSERT(name != NULL);
    fprintf(to, "%-44s %12llu\n", name, (unsigned long long)value);
}

/* What only some worlds have. */
static void print_features(const sim_figures *figures, FILE *to) {
    RV_ASSERT(figures->runs > 0);
    line(to, "commands", figures->commands);
    line(to, "commands that ran again", figures->command_runs);
    line(to, "commands that came to other events then", figures->command_changes);
    line(to, "commands that ran after a refusal", figures->command_attempts);
    line(to, "commands, what they saw compared", figures->command_states);
    line(to, "commands, turns without their function", figures->command_waits);
    line(to, "commands that came to nothing", figures->commands_nothing);
    line(to, "commands that refused", figures->commands_refused);
    line(to, "commands in the root's log", figures->commands_met);
    line(to, "worlds with rights", figures->rights);
    line(to, "rights, changes in root and gateways", figures->rights_changed);
    line(to, "rights, changes in gateways", figures->rights_gated);
    line(to, "rights that were taken", figures->rights_taken);
    line(to, "of these, of gateways that change, or behind them", figures->gate_taken);
    line(to, "tokens that were revoked", figures->tokens_revoked);
    line(to, "rights, events sent and looked at", figures->rights_sent);
    line(to, "rights, events written and judged", figures->rights_judged);
    line(to, "rights, forbidden writes", figures->rights_forbidden);
    line(to, "rights, of these by gateways alone", figures->gate_forbidden);
    line(to, "rights, files looked through", figures->rights_files);
    line(to, "worlds in which memory is scant", figures->scant);
    line(to, "edges that stood still for that", figures->stopped);
    line(to, "of these as their pages were full", figures->stopped_full);
    line(to, "worlds in which edges are older", figures->older);
    line(to, "events not understood, each time of looking", figures->opaque);
    line(to, "aggregates stale then", figures->stale);
    line(to, "worlds in which the past is filled in", figures->fills);
    line(to, "worlds in which it is, from gateways", figures->gate_fills);
    line(to, "worlds in which it is, since a time", figures->times);
    line(to, "worlds in which gateways change what they hold", figures->gate_changes);
    line(to, "of these, with what other worlds have, too", figures->gate_mixes);
    line(to, "of these, worlds with rows at gateways", figures->gate_mixes_rows);
    line(to, "of these, worlds with rights", figures->gate_mixes_rights);
    line(to, "edges that they refused", figures->gate_refusals);
    line(to, "messages of events of gateways that were filled in", figures->gate_mixed);
    line(to, "events that feeds gave behind later ones", figures->filled);
    line(to, "rejections told, while a process lived", figures->told);
    line(to, "rejections told again in another", figures->told_again);
    line(to, "rejections acknowledged later", figures->told_forgotten);
    line(to, "batches listed as they waited", figures->told_waiting);
    line(to, "worlds in which devices are lost", figures->losses);
    line(to, "batches that a gateway has", figures->relayed);
    line(to, "devices that were lost then", figures->lost);
    line(to, "batches of theirs in the root's log", figures->lost_met);
    line(to, "batches of theirs that were refused", figures->lost_refused);
    line(to, "worlds in which writes are given again", figures->retries);
    line(to, "writes given again", figures->retried);
    line(to, "of these in the log of the edge", figures->retries_known);
    line(to, "of these accepted as they were before", figures->retries_met);
    line(to, "worlds in which a directory is used twice", figures->twins);
    line(to, "copies that were made for that", figures->twin_copies);
    line(to, "batches that waited at both", figures->twin_shared);
    line(to, "schemas of edges' own, up to the root's", figures->met);
    line(to, "pairs of which one was told that it is a copy", figures->twins_apart);
}

/* What readers were told. */
static void print_readers(const sim_figures *figures, FILE *to) {
    RV_ASSERT(figures->runs > 0);
    line(to, "delivered by subscriptions", figures->delivered);
    line(to, "changes of rows, copied", figures->copied);
    line(to, "copies compared with the rows", figures->copies_compared);
    line(to, "copies that went on after a crash", figures->copies_resumed);
    line(to, "copies that began again", figures->copies_again);
    line(to, "states of the past, compared", figures->pasts);
    line(to, "states of the past, gone", figures->pasts_gone);
    line(to, "states of the past, from a kept checkpoint", figures->pasts_from_kept);
    line(to, "events of reads from somewhere", figures->reads);
    line(to, "states compared with the model", figures->compared);
    line(to, "and with what waits", figures->laid);
    line(to, "of these, rows too", figures->laid_compared);
    line(to, "batches that wait, judged by the model", figures->laid_judged);
    line(to, "of these, that do not hold any more", figures->laid_failed);
    line(to, "batches that wait twice", figures->laid_again);
    line(to, "ways of edges that the index led", figures->guided);
    line(to, "events that were not looked at then", figures->guided_past);
    line(to, "queries", figures->queries);
    line(to, "queries, the schema's own", figures->questions);
    line(to, "live queries that ran again", figures->live_ran);
    line(to, "of them over what was kept", figures->live_kept);
    line(to, "live queries that did not have to", figures->live_spared);
}

void sim_figures_print(const sim_figures *figures, FILE *to) {
    static const char *const crashes[] = {"crashes, all kept", "crashes, unflushed lost",
                                          "crashes, torn", "crashes, reordered"};
    line(to, "seeds", figures->runs);
    line(to, "simulated seconds", (uint64_t)figures->simulated_us / 1000000);
    line(to, "turns", figures->turns);
    line(to, "events", figures->events);
    line(to, "accepted in memory", figures->accepted[SIM_MEMORY]);
    line(to, "accepted local", figures->accepted[SIM_LOCAL]);
    line(to, "accepted upstream", figures->accepted[SIM_UPSTREAM]);
    line(to, "taken back by a crash, as they may", figures->rolled_back);
    line(to, "refused", figures->refused);
    line(to, "refused, and judged by the model", figures->judged);
    line(to, "written at edges", figures->written);
    line(to, "written at edges, seen to be local", figures->written_local);
    line(to, "written at edges, accepted", figures->written_accepted);
    line(to, "written at edges, rejections told", figures->written_rejected);
    line(to, "expected versions at edges, accepted", figures->expected_judged);
    line(to, "expected versions at edges, conflicts", figures->conflicts_judged);
    line(to, "keys given at edges", figures->keys);
    print_features(figures, to);
    line(to, "without an answer", figures->unknown);
    print_readers(figures, to);
    line(to, "flipped bits, damage told", figures->damage_told);
    line(to, "flipped bits, a tail cut off", figures->damage_cut);
    line(to, "gateways", figures->gateways);
    line(to, "gateways behind gateways", figures->chains);
    line(to, "parts of bases of gateways", figures->gateway_bases);
    line(to, "worlds with rows at gateways", figures->rows);
    line(to, "changes of rows told by gateways", figures->gateway_changes);
    line(to, "edges moved from gateway to root and back", figures->moves);
    line(to, "selections changed", figures->selections);
    line(to, "selections changed while the edge ran", figures->selections_live);
    line(to, "bases that came to their end", figures->bases);
    line(to, "parts of bases", figures->base_parts);
    line(to, "roots restored", figures->restores);
    line(to, "epochs begun", figures->epochs);
    line(to, "edges gone back", figures->rewinds);
    line(to, "events dropped by edges that went back", figures->dropped);
    line(to, "own batches queued again by them", figures->requeued);
    line(to, "started with more memory for it", figures->memory_given);
    line(to, "connections", figures->connections);
    line(to, "messages", figures->messages);
    line(to, "messages lost", figures->messages_lost);
    line(to, "opens", figures->opens);
    line(to, "opens by a checkpoint", figures->opened_by_checkpoint);
    line(to, "closes", figures->closes);
    line(to, "operations of disks", figures->operations);
    line(to, "operations that failed", figures->disk_failures);
    for (uint32_t i = 0; i <= RV_SIM_CRASH_REORDER; i++) {
        line(to, crashes[i], figures->crashes[i]);
    }
    for (uint32_t k = 0; k < SIM_STEP_KIND_COUNT; k++) {
        char name[64];
        (void)snprintf(name, sizeof name, "step: %s", sim_step_text((sim_step_kind)k));
        line(to, name, figures->steps[k]);
    }
    for (uint32_t s = 0; s < RV_STATUS_COUNT; s++) {
        char name[64];
        (void)snprintf(name, sizeof name, "answered: %s", rv_status_code((rv_status)s));
        if (figures->statuses[s] > 0) {
            line(to, name, figures->statuses[s]);
        }
    }
}
