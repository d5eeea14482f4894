/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/sim/operations.h"

#include "tests/sim/commands.h"

#include "core/base/assert.h"

#include <stdio.h>
#include <stdlib.h>

sim_operation *sim_operations_add(sim_operations *operations, sim_step_kind kind, uint8_t count) {
    RV_ASSERT(count > 0 && count <= SIM_BATCH_MAX);
    if (operations->count == SIM_OPERATIONS_MAX) {
        return NULL;
    }
    sim_operation *const o = calloc(1, sizeof *o);
    RV_ASSERT(o != NULL);
    o->number = operations->count;
    o->kind = kind;
    o->count = count;
    for (uint8_t i = 0; i < count; i++) {
        (void)snprintf(o->asked[i].metadata, sizeof o->asked[i].metadata,
                       "{\"op\":%u,\"event\":%u}", o->number, (unsigned)i);
    }
    operations->list[operations->count++] = o;
    return o;
}

sim_operation *sim_operations_find(const sim_operations *operations, rv_bytes metadata,
                                   uint32_t *index) {
    char text[40];
    unsigned number = 0;
    if (metadata.len == 0 || metadata.len >= sizeof text) {
        return NULL;
    }
    memcpy(text, metadata.ptr, metadata.len);
    text[metadata.len] = '\0';
    if (sscanf(text, "{\"op\":%u,\"event\":%u}", &number, index) != 2 ||
        number >= operations->count) {
        return NULL;
    }
    const sim_operation *const o = operations->list[number];
    if (*index >= (o->command != NULL ? SIM_BATCH_MAX : o->count)) { /* other runs make others */
        return NULL;
    }
    RV_ASSERT(operations->list[number]->number == number);
    return operations->list[number];
}

void sim_asked_fill(sim_asked *asked, uint32_t len, uint64_t seed) {
    const char *const at = strchr(asked->draft.data, '@');
    RV_ASSERT(asked->bulk == NULL);
    if (at == NULL) {
        return;
    }
    const size_t before = (size_t)(at - asked->draft.data);
    const size_t rest = strlen(at + 1) + 1;
    asked->bulk = malloc(before + len + rest);
    RV_ASSERT(asked->bulk != NULL);
    memcpy(asked->bulk, asked->draft.data, before);
    for (uint32_t i = 0; i < len;) { /* runs, so that some of it can be compressed */
        const uint64_t run = 1 + rv_random_below(&seed, 40);
        const char letter = (char)('a' + rv_random_below(&seed, 26));
        for (uint64_t k = 0; k < run && i < len; k++) {
            asked->bulk[before + i++] = letter;
        }
    }
    memcpy(asked->bulk + before + len, at + 1, rest);
}

rv_append sim_asked_append(const sim_asked *asked) {
    RV_ASSERT(asked->draft.type[0] != '\0');
    rv_append append = {
        .path = rv_bytes_of_string(asked->draft.path),
        .type = rv_bytes_of_string(asked->draft.type),
        .data = rv_bytes_of_string(asked->bulk != NULL ? asked->bulk : asked->draft.data),
        .metadata = rv_bytes_of_string(asked->metadata),
        .expected = asked->expected,
        .expected_version = asked->expected_version,
        .has_event_id = asked->has_id};
    memcpy(append.event_id, asked->id, sizeof append.event_id);
    return append;
}

void sim_operations_free(sim_operations *operations) {
    RV_ASSERT(operations->count <= SIM_OPERATIONS_MAX);
    for (uint32_t i = 0; i < operations->count; i++) {
        sim_command_free(operations->list[i]);
        for (uint8_t k = 0; k < operations->list[i]->count; k++) {
            free(operations->list[i]->asked[k].bulk);
        }
        free(operations->list[i]);
    }
    operations->count = 0;
}
