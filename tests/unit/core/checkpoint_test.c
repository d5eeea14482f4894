/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Goal: a node that is opened by a checkpoint is the node that a replay makes, and goes on like it;
 * whatever happens to the files of checkpoints, the node opens with the same state and says how,
 * and why the newest was passed over; what goes wrong while one is written hurts nothing. Method:
 * nodes on the simulated disk, with a checkpoint after every few events; bits flipped at random
 * places of every file, files removed and cut, other budgets, disks that fill up and fail; state
 * hashes beside those before.
 */
#include "core/engine/checkpoint.h"
#include "tests/unit/core/station.h"

/* Opens, and checks how that was done and what it made; nothing is written. */
static void check_opens(station *s, rv_opened by, rv_hash128 hash, rv_status passed_over) {
    fixture_checkpoint_growth = UINT64_MAX;
    RV_CHECK_STATUS(station_open(s, NODE_MEMORY, RV_ROLE_ROOT), RV_OK);
    RV_CHECK_EQ(rv_node_checkpoint_of(s->node)->opened_by, by);
    RV_CHECK_STATUS(rv_node_checkpoint_of(s->node)->passed_over.status, passed_over);
    RV_CHECK(fixture_hashes_equal(rv_node_state_hash(s->node), hash));
    rv_sim_disk_crash(s->disk);
}

RV_TEST(a_node_opened_by_a_checkpoint_goes_on_like_another) {
    station s = station_create();
    rv_hash128 hash;
    RV_CHECK(station_fill(&s, 60, &hash));
    rv_file_name names[16];
    RV_CHECK_EQ(names_of(&s, names), 2);
    check_opens(&s, RV_OPENED_BY_CHECKPOINT, hash, RV_OK);
    RV_CHECK_STATUS(station_open(&s, NODE_MEMORY, RV_ROLE_ROOT), RV_OK);
    const rv_node_checkpoint *const facts = rv_node_checkpoint_of(s.node);
    RV_CHECK_EQ(facts->sequence, rv_node_sequence(s.node));
    RV_CHECK_EQ(facts->position, rv_node_watermark(s.node));
    RV_CHECK_EQ(facts->bytes, size_of(&s, names[0].text));
    RV_CHECK_EQ(rv_schema_version(rv_node_schema(s.node)), 1);
    /* versions, keys and ids go on; more of the schema is applied */
    const rv_append taken = {.path = RV_LITERAL("/accounts/3"),
                             .type = RV_LITERAL("deposited"),
                             .data = RV_LITERAL("{\"amount\":5}"),
                             .expected = RV_EXPECTED_NUMBER,
                             .expected_version = 2,
                             .has_event_id = true,
                             .event_id = {1, 2, 3}};
    rv_event results[2], again[2];
    RV_CHECK_STATUS(fixture_append_all(s.node, &taken, 1, results, &s.err), RV_OK);
    RV_CHECK_EQ(results[0].version, 3);
    RV_CHECK(fixture_settle(s.node));
    RV_CHECK(station_work(&s, 61, 5));
    rv_status status = RV_PENDING;
    for (int i = 0; i < 100 && status == RV_PENDING; i++) {
        status = rv_node_schema_apply(
            s.node, RV_LITERAL("CREATE AGGREGATE more (id bigint PRIMARY KEY)"), results, &s.err);
        fixture_poll(s.node);
    }
    RV_CHECK_STATUS(status, RV_OK);
    hash = rv_node_state_hash(s.node);
    RV_CHECK_STATUS(fixture_close(s.node, &s.err), RV_END);
    check_opens(&s, RV_OPENED_BY_CHECKPOINT, hash, RV_OK); /* behind it the log is replayed */
    RV_CHECK_STATUS(station_open(&s, NODE_MEMORY, RV_ROLE_ROOT), RV_OK);
    RV_CHECK_EQ(rv_schema_version(rv_node_schema(s.node)), 2);
    RV_CHECK_STATUS(fixture_append_all(s.node, &taken, 1, again, &s.err), RV_OK);
    RV_CHECK_EQ(again[0].version, 3);
    RV_CHECK(fixture_hashes_equal(rv_node_state_hash(s.node), hash));
    station_free(&s);
}

RV_TEST(a_flipped_bit_anywhere_is_found_and_passed_over) {
    station s = station_create();
    rv_hash128 hash;
    RV_CHECK(station_fill(&s, 60, &hash));
    rv_file_name names[16];
    RV_CHECK_EQ(names_of(&s, names), 2);
    const uint64_t size = size_of(&s, names[0].text);
    uint64_t seed = 5;
    for (unsigned i = 0; i < 150; i++) {
        const uint64_t range = i % 3 == 0 ? 12288 : size; /* pages are most of it */
        const uint64_t offset = rv_test_random(&seed) % range;
        const unsigned bit = (unsigned)(rv_test_random(&seed) % 8);
        RV_CHECK_STATUS(rv_sim_disk_flip(s.disk, names[0].text, offset, bit), RV_OK);
        check_opens(&s, RV_OPENED_BY_CHECKPOINT, hash, RV_DATA_DAMAGED);
        RV_CHECK(strstr(rv_node_checkpoint_of(s.node)->passed_over.detail, names[0].text) != NULL);
        RV_CHECK(strstr(rv_node_checkpoint_of(s.node)->passed_over.facts, "offset") != NULL);
        if (i % 10 == 0) {
            const uint64_t other = offset % size_of(&s, names[1].text);
            RV_CHECK_STATUS(rv_sim_disk_flip(s.disk, names[1].text, other, bit), RV_OK);
            check_opens(&s, RV_OPENED_BY_REPLAY, hash, RV_DATA_DAMAGED);
            RV_CHECK_STATUS(rv_sim_disk_flip(s.disk, names[1].text, other, bit), RV_OK);
        }
        RV_CHECK_STATUS(rv_sim_disk_flip(s.disk, names[0].text, offset, bit), RV_OK);
        RV_CHECK_PASSED();
    }
    check_opens(&s, RV_OPENED_BY_CHECKPOINT, hash, RV_OK);
    station_free(&s);
}

RV_TEST(files_that_are_gone_cut_or_not_finished_are_passed_over) {
    station s = station_create();
    rv_hash128 hash;
    RV_CHECK(station_fill(&s, 60, &hash));
    rv_file_name names[16];
    RV_CHECK_EQ(names_of(&s, names), 2);
    const uint64_t size = size_of(&s, names[0].text);
    cut_file(&s, names[0].text, size - 1);
    check_opens(&s, RV_OPENED_BY_CHECKPOINT, hash, RV_DATA_DAMAGED);
    cut_file(&s, names[0].text, 100);
    check_opens(&s, RV_OPENED_BY_CHECKPOINT, hash, RV_DATA_DAMAGED);
    cut_file(&s, names[0].text, 0);
    check_opens(&s, RV_OPENED_BY_CHECKPOINT, hash, RV_OK); /* as if it had not been begun */
    remove_file(&s, names[0].text);
    check_opens(&s, RV_OPENED_BY_CHECKPOINT, hash, RV_OK);
    remove_file(&s, names[1].text);
    check_opens(&s, RV_OPENED_BY_REPLAY, hash, RV_OK);
    /* and the next one is written again */
    fixture_checkpoint_growth = 1;
    RV_CHECK_STATUS(station_open(&s, NODE_MEMORY, RV_ROLE_ROOT), RV_OK);
    RV_CHECK_STATUS(fixture_close(s.node, &s.err), RV_END);
    check_opens(&s, RV_OPENED_BY_CHECKPOINT, hash, RV_OK);
    station_free(&s);
}

/* Numbers end: what cannot be counted up is no checkpoint, and the last number is told. */
RV_TEST(a_number_that_has_no_next_one_is_told) {
    station s = station_create();
    rv_hash128 hash;
    RV_CHECK(station_fill(&s, 60, &hash));
    make_file(&s, "ckp-ffffffffffffffff.bin");
    make_file(&s, "ckp-000000000000000g.bin"); /* nor are these */
    make_file(&s, "ckp-000000000000000-.bin");
    make_file(&s, "ckp-0000000000000001.bak");
    make_file(&s, "ckp-0000000000000000.bin");
    check_opens(&s, RV_OPENED_BY_CHECKPOINT, hash, RV_OK);
    fixture_checkpoint_growth = 1;
    RV_CHECK_STATUS(station_open(&s, NODE_MEMORY, RV_ROLE_ROOT), RV_OK);
    RV_CHECK(station_work(&s, 61, 1));
    hash = rv_node_state_hash(s.node);
    const uint64_t number = rv_node_checkpoint_of(s.node)->number;
    RV_CHECK_STATUS(fixture_close(s.node, &s.err), RV_END);
    RV_CHECK(rv_node_checkpoint_of(s.node)->number > number);
    RV_CHECK(rv_node_checkpoint_of(s.node)->number < 1000);
    make_file(&s, "ckp-fffffffffffffffe.bin");
    RV_CHECK_STATUS(station_open(&s, NODE_MEMORY, RV_ROLE_ROOT), RV_OK);
    RV_CHECK(fixture_hashes_equal(rv_node_state_hash(s.node), hash));
    RV_CHECK(station_work(&s, 62, 2)); /* appending goes on */
    hash = rv_node_state_hash(s.node);
    RV_CHECK_STATUS(fixture_close(s.node, &s.err), RV_END);
    const rv_error *const why = &rv_node_checkpoint_of(s.node)->failure;
    RV_CHECK_STATUS(why->status, RV_DATA_EXISTS);
    RV_CHECK(strstr(why->detail, "ckp-fffffffffffffffe.bin") != NULL);
    RV_CHECK(strstr(why->detail, "no greater number") != NULL);
    check_opens(&s, RV_OPENED_BY_CHECKPOINT, hash, RV_OK);
    station_free(&s);
}

/* --- what is not listed --- */

#define OTHER_FILES 2500u

/* As many other files come first in every list. */
static rv_io list_crowded(void *ctx, rv_ticket ticket, rv_file_name *names, size_t cap,
                          rv_io_result *result) {
    const rv_host disk = rv_sim_disk_interface(ctx);
    const size_t others = cap < OTHER_FILES ? cap : OTHER_FILES;
    for (size_t i = 0; i < others; i++) {
        memcpy(names[i].text, "other", sizeof "other");
    }
    const rv_io io = disk.ops->list(disk.ctx, ticket, names + others, cap - others, result);
    result->count += OTHER_FILES;
    return io;
}

/* More files than are listed: none is taken for missing. */
RV_TEST(so_many_files_are_told) {
    station s = station_create();
    rv_hash128 hash;
    rv_file_name names[64];
    RV_CHECK(station_fill(&s, 60, &hash));
    const unsigned count = names_of(&s, names);
    const rv_host disk = rv_sim_disk_interface(s.disk);
    rv_host_ops ops = *disk.ops;
    ops.list = list_crowded;
    RV_CHECK_STATUS(fixture_open_on((rv_host){&ops, disk.ctx}, s.node_memory, NODE_MEMORY,
                                    RV_ROLE_ROOT, NULL, &s.node, &s.err),
                    RV_MEMORY_EXHAUSTED);
    RV_CHECK(strstr(s.err.detail, "files") != NULL);
    rv_sim_disk_crash(s.disk);
    RV_CHECK_EQ(names_of(&s, names), count);
    check_opens(&s, RV_OPENED_BY_CHECKPOINT, hash, RV_OK);
    station_free(&s);
}

/* What was not there when the node was opened is not its own, and stays. */
RV_TEST(a_file_of_another_is_not_removed) {
    station s = station_create();
    rv_hash128 hash;
    rv_file_name name;
    RV_CHECK(station_fill(&s, 60, &hash));
    fixture_checkpoint_growth = 1;
    RV_CHECK_STATUS(station_open(&s, NODE_MEMORY, RV_ROLE_ROOT), RV_OK);
    rv_checkpoint_name(rv_node_checkpoint_of(s.node)->number + 1, &name);
    make_file(&s, name.text);
    const uint32_t written = rv_node_checkpoint_of(s.node)->written;
    for (unsigned i = 0; i < 30 && rv_node_checkpoint_of(s.node)->written == written; i++) {
        RV_CHECK(station_work(&s, 61 + i, 1)); /* the next number is tried, too */
        for (unsigned polls = 0; polls < 100; polls++) {
            fixture_poll(s.node);
        }
    }
    RV_CHECK(rv_node_checkpoint_of(s.node)->written > written);
    hash = rv_node_state_hash(s.node);
    RV_CHECK_STATUS(fixture_close(s.node, &s.err), RV_END);
    rv_io_result result;
    const rv_host disk = rv_sim_disk_interface(s.disk);
    RV_CHECK_EQ(disk.ops->open(disk.ctx, 1, name.text, &result), RV_IO_DONE);
    RV_CHECK_STATUS(result.status, RV_OK);
    disk.ops->close(disk.ctx, result.file);
    check_opens(&s, RV_OPENED_BY_CHECKPOINT, hash, RV_OK);
    station_free(&s);
}

/* A checkpoint that cannot be read is passed over; what the log cannot read is the node's failure.
 */
RV_TEST(a_storage_that_fails_while_it_is_opened_is_told) {
    station s = station_create();
    rv_hash128 hash;
    RV_CHECK(station_fill(&s, 60, &hash));
    unsigned older = 0, failed = 0;
    fixture_checkpoint_growth = UINT64_MAX;
    for (unsigned n = 1; n < 30; n++) {
        const rv_sim_faults bad = {.fault = RV_SIM_FAIL,
                                   .fault_at = rv_sim_disk_operations(s.disk) + n,
                                   .pending_percent = n % 2 == 0 ? 60 : 0,
                                   .short_percent = 20};
        const rv_sim_faults none = {.fault = RV_SIM_NO_FAULT};
        rv_sim_disk_set_faults(s.disk, &bad);
        const rv_status status = fixture_open_on(rv_sim_disk_interface(s.disk), s.node_memory,
                                                 NODE_MEMORY, RV_ROLE_ROOT, NULL, &s.node, &s.err);
        rv_sim_disk_set_faults(s.disk, &none);
        if (status == RV_OK) {
            RV_CHECK(fixture_hashes_equal(rv_node_state_hash(s.node), hash));
            older += rv_node_checkpoint_of(s.node)->passed_over.status == RV_STORAGE_FAILED;
        } else {
            RV_CHECK_STATUS(status, RV_STORAGE_FAILED);
            failed += 1;
        }
        rv_sim_disk_crash(s.disk);
    }
    RV_CHECK(older > 2 && failed > 0);
    station_free(&s);
}

/* What is before the checkpoint is not read at open: damage there is found by who reads it. */
RV_TEST(damage_of_the_log_before_it_is_found_when_it_is_read) {
    station s = station_create();
    rv_hash128 hash;
    RV_CHECK(station_fill(&s, 60, &hash));
    const char *const segment = "log-0000-0000000000000001.seg";
    RV_CHECK_STATUS(rv_sim_disk_flip(s.disk, segment, 4096 + 700, 3), RV_OK);
    check_opens(&s, RV_OPENED_BY_CHECKPOINT, hash, RV_OK);
    RV_CHECK_STATUS(station_open(&s, NODE_MEMORY, RV_ROLE_ROOT), RV_OK);
    rv_log_cursor cursor = rv_log_cursor_at(1);
    rv_batch batch;
    rv_status status = RV_PENDING;
    for (int i = 0; i < 1000 && (status == RV_PENDING || status == RV_OK); i++) {
        status = rv_log_read(rv_node_log(s.node), &cursor, &batch, &s.err);
        fixture_poll(s.node);
    }
    RV_CHECK_STATUS(status, RV_DATA_DAMAGED);
    RV_CHECK(station_work(&s, 61, 3)); /* appending goes on */
    rv_file_name names[16];
    const unsigned count = names_of(&s, names);
    rv_sim_disk_crash(s.disk);
    for (unsigned i = 0; i < count; i++) {
        remove_file(&s, names[i].text);
    }
    const rv_status replayed = fixture_open_on(rv_sim_disk_interface(s.disk), s.node_memory,
                                               NODE_MEMORY, RV_ROLE_ROOT, NULL, &s.node, &s.err);
    RV_CHECK_STATUS(replayed, RV_DATA_DAMAGED);
    station_free(&s);
}

RV_TEST(other_budgets_take_it_or_replay) {
    station s = station_create();
    rv_hash128 hash;
    RV_CHECK(station_fill(&s, 60, &hash));
    fixture_checkpoint_growth = UINT64_MAX;
    RV_CHECK_STATUS(station_open(&s, RV_MEMORY_MIN, RV_ROLE_ROOT), RV_OK);
    RV_CHECK_EQ(rv_node_checkpoint_of(s.node)->opened_by, RV_OPENED_BY_CHECKPOINT);
    RV_CHECK(fixture_hashes_equal(rv_node_state_hash(s.node), hash));
    station_free(&s);
}

/* --- while it is written --- */

/* Polls until a checkpoint was written or given up. */
static void poll_over(station *s) {
    for (int i = 0; i < 1000; i++) {
        fixture_poll(s->node);
        const rv_node_checkpoint *const facts = rv_node_checkpoint_of(s->node);
        if (!facts->writing && !rv_node_busy(s->node)) {
            return;
        }
    }
    RV_CHECK(false);
}

RV_TEST(a_storage_that_fills_up_or_fails_hurts_no_append) {
    static const rv_sim_fault faults[] = {RV_SIM_FULL, RV_SIM_FAIL};
    for (unsigned f = 0; f < 2; f++) {
        for (unsigned n = 1; n < 14; n++) {
            station s = station_create();
            rv_event event;
            fixture_checkpoint_growth = UINT64_MAX;
            RV_CHECK_STATUS(station_open(&s, NODE_MEMORY, RV_ROLE_ROOT), RV_OK);
            RV_CHECK_STATUS(fixture_apply_schema(s.node, &event, &s.err), RV_OK);
            RV_CHECK(station_work(&s, 1, 20));
            const rv_hash128 hash = rv_node_state_hash(s.node);
            fixture_checkpoint_growth = 1000;
            rv_sim_disk_crash(s.disk);
            RV_CHECK_STATUS(station_open(&s, NODE_MEMORY, RV_ROLE_ROOT), RV_OK);
            const rv_sim_faults bad = {.fault = faults[f],
                                       .fault_at = rv_sim_disk_operations(s.disk) + n};
            rv_sim_disk_set_faults(s.disk, &bad);
            poll_over(&s);
            const bool over = rv_sim_disk_operations(s.disk) < bad.fault_at;
            const rv_sim_faults none = {.fault = RV_SIM_NO_FAULT};
            rv_sim_disk_set_faults(s.disk, &none);
            const rv_node_checkpoint *const facts = rv_node_checkpoint_of(s.node);
            RV_CHECK(facts->written == 1 || facts->failure.status != RV_OK);
            RV_CHECK(!over || facts->written == 1);
            RV_CHECK_STATUS(rv_node_failed(s.node, NULL), RV_OK);
            RV_CHECK(fixture_hashes_equal(rv_node_state_hash(s.node), hash));
            RV_CHECK(station_work(&s, 21, 20)); /* and the next one succeeds */
            poll_over(&s);
            RV_CHECK(facts->written > 0 && facts->failure.status == RV_OK);
            rv_file_name names[16];
            RV_CHECK(names_of(&s, names) <= 2);
            station_free(&s);
            RV_CHECK_PASSED();
        }
    }
}

RV_TEST(appends_go_on_beside_it_and_are_not_in_it) {
    station s = station_create();
    rv_event event;
    fixture_checkpoint_growth = 1;
    RV_CHECK_STATUS(station_open(&s, NODE_MEMORY, RV_ROLE_ROOT), RV_OK);
    RV_CHECK_STATUS(fixture_apply_schema(s.node, &event, &s.err), RV_OK);
    const rv_sim_faults slow = {.pending_percent = 70, .short_percent = 20};
    rv_sim_disk_set_faults(s.disk, &slow);
    RV_CHECK(station_work(&s, 1, 150));
    RV_CHECK(rv_node_checkpoint_of(s.node)->written > 3);
    const rv_hash128 hash = rv_node_state_hash(s.node);
    const uint64_t sequence = rv_node_checkpoint_of(s.node)->sequence;
    RV_CHECK(sequence > 100 && sequence < rv_node_sequence(s.node));
    rv_sim_disk_crash(s.disk);
    check_opens(&s, RV_OPENED_BY_CHECKPOINT, hash, RV_OK);
    station_free(&s);
}

/* --- edges --- */

RV_TEST(an_edge_keeps_what_it_selects) {
    station s = station_create();
    const uint8_t log_id[16] = {7};
    fixture_checkpoint_growth = 1;
    RV_CHECK_STATUS(station_open(&s, NODE_MEMORY, RV_ROLE_EDGE), RV_OK);
    RV_CHECK_STATUS(rv_node_adopt(s.node, log_id, 1, 5, &s.err), RV_OK);
    static const char *const texts[] = {"CREATE AGGREGATE a (id text PRIMARY KEY)",
                                        "CREATE AGGREGATE b (id bigint PRIMARY KEY)"};
    for (uint32_t i = 0; i < 2; i++) {
        rv_event event = {.position = 1 + i,
                          .version = 1 + i,
                          .type = RV_SYSTEM_SCHEMA_TYPE,
                          .schema_version = (uint16_t)(1 + i),
                          .batch_end = true,
                          .recorded_at = 1000,
                          .written_at = 1000,
                          .data = rv_bytes_of_string(texts[i])};
        rv_status status = RV_PENDING;
        for (int polls = 0; polls < 100 && status != RV_OK; polls++) {
            status = rv_node_receive_begin(s.node, &s.err);
            fixture_poll(s.node);
        }
        RV_CHECK_STATUS(status, RV_OK);
        RV_CHECK_STATUS(rv_node_receive_stream(s.node, RV_LITERAL(RV_SYSTEM_SCHEMA_PATH),
                                               &event.stream, &s.err),
                        RV_OK);
        RV_CHECK_STATUS(rv_node_receive_event(s.node, &event, &s.err), RV_OK);
        RV_CHECK_STATUS(rv_node_receive_commit(s.node, 1 + i, 5, &s.err), RV_OK);
        RV_CHECK(fixture_settle(s.node));
        poll_over(&s);
    }
    const rv_hash128 hash = rv_node_state_hash(s.node);
    RV_CHECK_STATUS(fixture_close(s.node, &s.err), RV_END);
    RV_CHECK_STATUS(station_open(&s, NODE_MEMORY, RV_ROLE_EDGE), RV_OK);
    RV_CHECK_EQ(rv_node_checkpoint_of(s.node)->opened_by, RV_OPENED_BY_CHECKPOINT);
    RV_CHECK(fixture_hashes_equal(rv_node_state_hash(s.node), hash));
    RV_CHECK_EQ(rv_node_watermark(s.node), 2);
    rv_sim_disk_crash(s.disk);
    RV_CHECK_STATUS(station_open(&s, NODE_MEMORY, RV_ROLE_STORED), RV_OK);
    size_t count = 0;
    const rv_path_pattern *const patterns = rv_node_patterns(s.node, &count);
    RV_CHECK(count == 1 && rv_bytes_are(patterns[0].text, "/**"));
    RV_CHECK_EQ(rv_node_role(s.node), RV_ROLE_EDGE);
    rv_sim_disk_crash(s.disk);
    const rv_status opened = /* the same is held, and another selection wanted */
        fixture_open_on(rv_sim_disk_interface(s.disk), s.node_memory, NODE_MEMORY, RV_ROLE_EDGE,
                        "/other/*", &s.node, &s.err);
    RV_CHECK_STATUS(opened, RV_OK);
    RV_CHECK(rv_bytes_are(rv_node_selection(s.node)->entries[0].name, "/**"));
    RV_CHECK(rv_bytes_are(rv_node_selection_wanted(s.node)->entries[0].name, "/other/*"));
    station_free(&s);
}

RV_TEST(classes_of_memory_are_the_budget) {
    station s = station_create();
    RV_CHECK_STATUS(station_open(&s, NODE_MEMORY, RV_ROLE_ROOT), RV_OK);
    rv_memory_class class;
    size_t sum = 0;
    for (uint32_t i = 0; rv_node_memory(s.node, i, &class); i++) {
        RV_CHECK(class.name != NULL && class.used <= class.used_max);
        RV_CHECK(class.used_max <= class.bytes);
        sum += class.bytes;
    }
    RV_CHECK_EQ(sum, NODE_MEMORY);
    station_free(&s);
}

int main(void) {
    RV_RUN(a_node_opened_by_a_checkpoint_goes_on_like_another);
    RV_RUN(a_flipped_bit_anywhere_is_found_and_passed_over);
    RV_RUN(files_that_are_gone_cut_or_not_finished_are_passed_over);
    RV_RUN(a_number_that_has_no_next_one_is_told);
    RV_RUN(so_many_files_are_told);
    RV_RUN(a_file_of_another_is_not_removed);
    RV_RUN(a_storage_that_fails_while_it_is_opened_is_told);
    RV_RUN(damage_of_the_log_before_it_is_found_when_it_is_read);
    RV_RUN(other_budgets_take_it_or_replay);
    RV_RUN(a_storage_that_fills_up_or_fails_hurts_no_append);
    RV_RUN(appends_go_on_beside_it_and_are_not_in_it);
    RV_RUN(an_edge_keeps_what_it_selects);
    RV_RUN(classes_of_memory_are_the_budget);
    return rv_test_done();
}
