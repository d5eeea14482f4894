/* SPDX-License-Identifier: Apache-2.0 */
#define NAIVE_ROWS 256u

#include "tests/sim/model.h"

#include "tests/sim/older.h"

#include "tests/unit/state/naive.h"

#include <stdio.h>

#define VALUES_MAX  ((size_t)(SIZE_MAX > UINT32_MAX ? 1024 : 256) << 20) /* not touched before */
#define SCRATCH_MAX ((size_t)256 << 10)

struct sim_model {
    const sim_truth *truth;
    const sim_member_plan *plan;
    const sim_selection *selection; /* of an edge */
    uint64_t position;
    uint64_t corrupted; /* 0: no event */
    bool stale[NAIVE_AGGREGATES];
    bool laid;         /* what waits is folded over it, for a while: */
    size_t laid_bytes; /* values before */
    naive now;
    naive *all; /* of all streams, for aggregates that are given; NULL: none ever is */
};

static naive before; /* to take back to */
static uint8_t scratch_memory[SCRATCH_MAX];

void sim_models_reset(void) {
    if (naive_bytes.ptr == NULL) {
        naive_bytes = rv_arena_over(malloc(VALUES_MAX), VALUES_MAX);
        RV_ASSERT(naive_bytes.ptr != NULL);
    }
    naive_bytes.len = 0;
}

sim_model *sim_model_create(const sim_truth *truth, const sim_member_plan *plan) {
    sim_model *const model = calloc(1, sizeof *model);
    RV_ASSERT(model != NULL && truth->schema != NULL);
    model->truth = truth;
    naive_lasting = rv_bytes_of(truth->bytes.ptr, truth->bytes.cap);
    model->plan = plan;
    model->now.schema = truth->schema;
    model->selection = &plan->selections[0];
    for (uint8_t i = 0; i < plan->selection_count; i++) {
        if (sim_selection_has_given(&plan->selections[i]) && model->all == NULL) {
            model->all = calloc(1, sizeof *model->all);
            RV_ASSERT(model->all != NULL);
            model->all->schema = truth->schema;
        }
    }
    return model;
}

void sim_model_free(sim_model *model) {
    free(model->all);
    free(model);
}

void sim_model_reset(sim_model *model) {
    memset(&model->now, 0, sizeof model->now);
    model->now.schema = model->truth->schema;
    if (model->all != NULL) {
        memset(model->all, 0, sizeof *model->all);
        model->all->schema = model->truth->schema;
    }
    model->position = 0;
}

void sim_model_select(sim_model *model, uint8_t selection) {
    RV_ASSERT(selection < model->plan->selection_count);
    if (model->selection != &model->plan->selections[selection]) {
        model->selection = &model->plan->selections[selection];
        sim_model_reset(model);
    }
}

uint64_t sim_model_position(const sim_model *model) {
    return model->position;
}

static bool selects(const sim_model *model, rv_bytes path) {
    return model->plan->role == SIM_ROOT || sim_selection_feeds(model->selection, true, path);
}

static rv_status fold_event(sim_model *model, naive *into, const rv_event *event) {
    rv_value values[RV_FIELDS_MAX];
    rv_arena scratch = rv_arena_over(scratch_memory, sizeof scratch_memory);
    RV_ASSERT(event->type < rv_schema_event_type_count(model->truth->schema));
    const rv_event_type *const type = rv_schema_event_type(model->truth->schema, event->type);
    if (!sim_event_decode(type, event->data, values)) {
        return RV_DATA_DAMAGED;
    }
    const bool judge = model->plan->role == SIM_ROOT;
    return naive_state_fold(into, event, values, judge, &scratch);
}

rv_status sim_model_fold(sim_model *model, uint64_t position, uint64_t *refused) {
    RV_ASSERT(position <= model->truth->count);
    if (position < model->position) {
        sim_model_reset(model);
    }
    while (model->position < position) {
        model->position += 1;
        const rv_event *const event = &sim_truth_at(model->truth, model->position)->event;
        if (event->type == RV_SYSTEM_SCHEMA_TYPE || model->position == model->corrupted) {
            continue;
        }
        rv_status status = RV_OK;
        if (model->all != NULL) {
            status = fold_event(model, model->all, event);
        }
        if (status == RV_OK && selects(model, model->truth->streams[event->stream].path)) {
            status = fold_event(model, &model->now, event);
        }
        if (status != RV_OK) {
            *refused = model->position;
            return status;
        }
    }
    return RV_OK;
}

/* The version that the stream has at the model's position. */
static uint64_t version_of(const sim_model *model, rv_bytes path) {
    for (uint64_t p = model->position; p > 0; p--) {
        const rv_event *const event = &sim_truth_at(model->truth, p)->event;
        if (rv_bytes_equal(model->truth->streams[event->stream].path, path)) {
            return event->version;
        }
    }
    return 0;
}

/* The event with this id that the log has at the model's position; NULL: none. */
static const rv_event *id_known(const sim_model *model, const uint8_t *id) {
    for (uint64_t p = 1; p <= model->position; p++) {
        const rv_event *const event = &sim_truth_at(model->truth, p)->event;
        if (memcmp(event->event_id, id, sizeof event->event_id) == 0) {
            return event;
        }
    }
    return NULL;
}

static bool expected_holds(rv_expected_kind expected, uint64_t number, uint64_t version) {
    switch (expected) {
    case RV_EXPECTED_NONE:
        return version == 0;
    case RV_EXPECTED_EXISTS:
        return version > 0;
    case RV_EXPECTED_NUMBER:
        return version == number;
    case RV_EXPECTED_ANY:
        break;
    }
    return true;
}

static void assign_serials(const sim_model *model, rv_event_draft *draft) {
    for (uint16_t f = 0; f < draft->type->field_count; f++) {
        uint16_t aggregate = 0;
        if (rv_event_draft_wants_serial(model->truth->schema, draft, f, &aggregate)) {
            RV_ASSERT(aggregate < NAIVE_AGGREGATES);
            draft->values[f] = rv_value_int(model->now.serial[aggregate] + 1);
            draft->given[f] = true;
        }
    }
}

#define NEW_STREAMS_MAX 64u

/* What is being judged has put behind the streams that there are. */
typedef struct judged {
    uint64_t versions[SIM_STREAMS_MAX + NEW_STREAMS_MAX];
    uint32_t new_count;
    uint8_t new_paths[NEW_STREAMS_MAX][SIM_PATH_LEN];
} judged;

/* The stream's number; those that the batch begins come behind the truth's. */
static uint32_t stream_of(const sim_model *model, judged *j, rv_bytes path) {
    const uint32_t known = model->truth->stream_count;
    for (uint32_t i = 0; i < known; i++) {
        if (rv_bytes_equal(model->truth->streams[i].path, path)) {
            return i;
        }
    }
    for (uint32_t i = 0; i < j->new_count; i++) {
        if (rv_bytes_are(path, (const char *)j->new_paths[i])) {
            return known + i;
        }
    }
    RV_ASSERT(j->new_count < NEW_STREAMS_MAX && path.len < SIM_PATH_LEN);
    memcpy(j->new_paths[j->new_count], path.ptr, path.len);
    j->new_paths[j->new_count][path.len] = 0;
    return known + j->new_count++;
}

/* Judges one event of an operation and folds it. */
static rv_status judge_event(sim_model *model, const sim_asked *asked, int64_t written_at,
                             judged *j) {
    static rv_event_draft draft;
    rv_arena scratch = rv_arena_over(scratch_memory, sizeof scratch_memory);
    const rv_append append = sim_asked_append(asked);
    memset(&draft, 0, sizeof draft);
    rv_status status = rv_event_draft_read(model->truth->schema, append.path, append.type,
                                           append.data, &scratch, &draft, NULL);
    if (status != RV_OK) {
        return status;
    }
    assign_serials(model, &draft);
    status = rv_event_draft_complete(&draft, written_at - RV_EPOCH_DIFFERENCE_US, &scratch, NULL);
    if (status != RV_OK) {
        return status;
    }
    uint8_t path_text[RV_PATH_LEN_MAX];
    rv_writer w = rv_writer_over(path_text, sizeof path_text);
    rv_event_draft_path(&draft, &w);
    const rv_bytes path = rv_writer_bytes(&w);
    const uint32_t stream = stream_of(model, j, path);
    if (!expected_holds(asked->expected, asked->expected_version,
                        version_of(model, path) + j->versions[stream])) {
        return RV_VERSION_CONFLICT;
    }
    j->versions[stream] += 1;
    const rv_event event = {.stream = stream,
                            .type = draft.type->number,
                            .position = model->position + 1,
                            .written_at = written_at};
    return naive_state_fold(&model->now, &event, draft.values, true, &scratch);
}

/* The id is another event's: that is told of what is an event at all. */
static rv_status read_again(const sim_model *model, const sim_asked *asked) {
    static rv_event_draft draft;
    rv_arena scratch = rv_arena_over(scratch_memory, sizeof scratch_memory);
    const rv_append append = sim_asked_append(asked);
    RV_ASSERT(append.has_event_id);
    const rv_status status = rv_event_draft_read(model->truth->schema, append.path, append.type,
                                                 append.data, &scratch, &draft, NULL);
    return status == RV_OK ? RV_EVENT_ID_REUSED : status;
}

rv_status sim_model_judge(sim_model *model, const sim_operation *operation, int64_t written_at) {
    static judged j;
    rv_status status = RV_OK;
    RV_ASSERT(model->plan->role == SIM_ROOT && !operation->schema);
    const size_t len = naive_bytes.len;
    memcpy(&before, &model->now, sizeof before);
    memset(&j, 0, sizeof j);
    for (uint8_t i = 0; i < operation->count && status == RV_OK; i++) {
        const sim_asked *const asked = &operation->asked[i];
        const rv_event *const known = asked->has_id ? id_known(model, asked->id) : NULL;
        if (known == NULL) {
            status = judge_event(model, asked, written_at, &j);
        } else if (!rv_bytes_are(known->metadata, asked->metadata)) {
            status = read_again(model, asked); /* else it is this operation, given again */
        }
    }
    memcpy(&model->now, &before, sizeof before);
    naive_bytes.len = len;
    return status;
}

/* --- what waits --- */

static judged laid;     /* on the streams */
static naive laid_from; /* what there was before the batch, */
static judged laid_from_streams;

void sim_model_lay_begin(sim_model *model) {
    RV_ASSERT(model->plan->role == SIM_EDGE);
    memcpy(&before, &model->now, sizeof before);
    memset(&laid, 0, sizeof laid);
    model->laid = true;
    model->laid_bytes = naive_bytes.len;
}

void sim_model_lay_end(sim_model *model) {
    RV_ASSERT(model->laid);
    memcpy(&model->now, &before, sizeof before);
    naive_bytes.len = model->laid_bytes;
    model->laid = false;
}

bool sim_model_lays(const sim_model *model, const sim_waiting *waiting, uint32_t count) {
    uint32_t rows = 0;
    bool types = true;
    for (uint32_t i = 0; i < count; i++) {
        types = types && waiting[i].event.type < rv_schema_event_type_count(model->truth->schema);
        rows += RV_TOUCHES_MAX;
    }
    return types && model->now.count + rows < NAIVE_ROWS &&
           laid.new_count + count <= NEW_STREAMS_MAX;
}

static rv_status lay_event(sim_model *model, const sim_waiting *waiting, bool judge) {
    rv_value values[RV_FIELDS_MAX];
    rv_arena scratch = rv_arena_over(scratch_memory, sizeof scratch_memory);
    rv_event event = waiting->event;
    event.stream = stream_of(model, &laid, waiting->path);
    const uint64_t version = sim_model_laid_version(model, waiting->path);
    if (!expected_holds(waiting->expected, waiting->expected_version, version)) {
        return RV_VERSION_CONFLICT;
    }
    laid.versions[event.stream] += 1;
    RV_ASSERT(event.type < rv_schema_event_type_count(model->truth->schema));
    const rv_event_type *const type = rv_schema_event_type(model->truth->schema, event.type);
    return sim_event_decode(type, event.data, values)
               ? naive_state_fold(&model->now, &event, values, judge, &scratch)
               : RV_DATA_DAMAGED;
}

rv_status sim_model_lay(sim_model *model, const sim_waiting *waiting, uint32_t count, bool judge) {
    rv_status status = RV_OK;
    RV_ASSERT(model->laid);
    memcpy(&laid_from, &model->now, sizeof laid_from);
    memcpy(&laid_from_streams, &laid, sizeof laid);
    for (uint32_t i = 0; i < count && status == RV_OK; i++) {
        status = lay_event(model, &waiting[i], judge);
    }
    if (status != RV_OK) {
        sim_model_unlay(model);
    }
    return status;
}

void sim_model_unlay(sim_model *model) {
    RV_ASSERT(model->laid);
    memcpy(&model->now, &laid_from, sizeof laid_from);
    memcpy(&laid, &laid_from_streams, sizeof laid);
}

uint64_t sim_model_laid_version(const sim_model *model, rv_bytes path) {
    RV_ASSERT(model->laid);
    const uint64_t confirmed = selects(model, path) ? version_of(model, path) : 0;
    return confirmed + laid.versions[stream_of(model, &laid, path)];
}

/* --- comparing --- */

static rv_bytes path_of(const sim_model *model, uint32_t stream) {
    const uint32_t known = model->truth->stream_count;
    RV_ASSERT(stream < known || (model->laid && stream - known < laid.new_count));
    return stream < known ? model->truth->streams[stream].path
                          : rv_bytes_of_string((const char *)laid.new_paths[stream - known]);
}

static bool differs(char *difference, size_t cap, const rv_aggregate *aggregate, const char *what,
                    uint64_t a, uint64_t b) {
    (void)snprintf(difference, cap, "%.*s: %s (%llu, must be %llu)", (int)aggregate->name.len,
                   (const char *)aggregate->name.ptr, what, (unsigned long long)a,
                   (unsigned long long)b);
    return false;
}

/* What is given of an aggregate; NULL: it is folded. */
static const sim_given *given_of(const sim_model *model, uint16_t aggregate) {
    const rv_schema *const schema = model->truth->schema;
    return model->plan->role == SIM_ROOT
               ? NULL
               : sim_selection_given(model->selection,
                                     rv_schema_aggregate(schema, aggregate)->name);
}

bool sim_model_folds(const sim_model *model, uint16_t aggregate) {
    return sim_model_knows(model, aggregate) && given_of(model, aggregate) == NULL;
}

/* Are all streams of the template selected? One is asked for that nobody names. */
static bool selects_template(const sim_model *model, const rv_path_template *template) {
    uint8_t text[RV_PATH_LEN_MAX];
    rv_writer w = rv_writer_over(text, sizeof text);
    for (uint16_t i = 0; i < template->segment_count; i++) {
        rv_write_text(&w, "/");
        if (template->segments[i].variable) {
            rv_write_text(&w, "nobody");
        } else {
            rv_write(&w, template->segments[i].text);
        }
    }
    return selects(model, rv_writer_bytes(&w));
}

static bool changes(const rv_event_type *type, uint16_t aggregate) {
    bool found = false;
    for (uint16_t t = 0; t < type->touch_count; t++) {
        const rv_touch *const touch = &type->touches[t];
        found = found || (touch->aggregate == aggregate &&
                          (touch->kind != RV_TOUCH_REFERENCES || touch->acted_on));
    }
    return found;
}

bool sim_model_complete(const sim_model *model, uint16_t aggregate) {
    const rv_schema *const schema = model->truth->schema;
    bool complete = sim_model_folds(model, aggregate);
    for (uint16_t s = 0; s < rv_schema_stream_count(schema) && complete; s++) {
        const rv_stream *const stream = rv_schema_stream(schema, s);
        for (uint16_t e = 0; e < stream->event_type_count && complete; e++) {
            const uint16_t type = stream->event_types[e];
            complete = !changes(rv_schema_event_type(schema, type), aggregate) ||
                       selects_template(model, &stream->path);
        }
    }
    return complete;
}

bool sim_model_knows(const sim_model *model, uint16_t aggregate) {
    const bool shared = rv_schema_aggregate(model->truth->schema, aggregate)->shared;
    bool bases = model->plan->selection_count > 1;
    for (uint8_t i = 0; i < model->plan->selection_count; i++) {
        bases = bases || sim_selection_has_bases(&model->plan->selections[i]);
    }
    return !model->stale[aggregate] && (!shared || !bases || given_of(model, aggregate) != NULL ||
                                        sim_selection_is_all(model->selection));
}

void sim_model_stale(sim_model *model, const rv_node *node) {
    RV_ASSERT(node != NULL);
    for (uint16_t a = 0; a < NAIVE_AGGREGATES; a++) {
        uint64_t since = 0;
        model->stale[a] = rv_node_stale(node, a, &since);
    }
}

static uint16_t column_of(const rv_aggregate *aggregate, const char *name) {
    uint16_t c = 0;
    while (c < aggregate->column_count && !rv_bytes_are(aggregate->columns[c].name, name)) {
        c += 1;
    }
    RV_ASSERT(c < aggregate->column_count);
    return c;
}

/* True when the row is among those that are given. */
static bool passes(const sim_model *model, const sim_given *given, const naive_row *row) {
    const rv_aggregate *const aggregate = rv_schema_aggregate(model->truth->schema, row->aggregate);
    if (given->column == NULL) {
        return true;
    }
    const rv_value *const value = &row->values[column_of(aggregate, given->column)];
    return value->class_ == RV_VALUE_INT && value->as.integer >= given->least &&
           value->as.integer <= given->most;
}

/* The nth row of the twin, where it must be there; NULL: none. */
static const naive_row *row_due(const sim_model *model, uint32_t nth) {
    const naive_row *const folded = &model->now.rows[nth % NAIVE_ROWS];
    if (nth < NAIVE_ROWS) {
        const bool due = folded->used && given_of(model, folded->aggregate) == NULL &&
                         sim_model_knows(model, folded->aggregate);
        return due ? folded : NULL;
    }
    if (model->all == NULL || !model->all->rows[nth - NAIVE_ROWS].used) {
        return NULL;
    }
    const naive_row *const row = &model->all->rows[nth - NAIVE_ROWS];
    const sim_given *const given = given_of(model, row->aggregate);
    return given != NULL && passes(model, given, row) ? row : NULL;
}

static bool same_row(const sim_model *model, rv_state *state, const naive_row *row,
                     char *difference, size_t cap) {
    rv_arena scratch = rv_arena_over(scratch_memory, sizeof scratch_memory);
    const rv_aggregate *const aggregate = rv_schema_aggregate(model->truth->schema, row->aggregate);
    rv_value key[RV_INDEX_COLUMNS_MAX];
    const bool whole = naive_gather(row, aggregate->keys, aggregate->key_count, key);
    RV_ASSERT(whole);
    const uint64_t shown = key[0].class_ == RV_VALUE_INT ? (uint64_t)key[0].as.integer : 0;
    const rv_row at = rv_state_row_find(state, row->aggregate, key);
    if (at == RV_ROW_NONE) {
        return differs(difference, cap, aggregate, "a row is missing", 0, shown);
    }
    rv_stream_head head;
    const bool owned = given_of(model, row->aggregate) == NULL;
    if (owned) {
        rv_state_stream(state, rv_state_row_owner(state, row->aggregate, at), &head);
    }
    if (owned && !rv_bytes_equal(head.path, path_of(model, row->owner))) {
        return differs(difference, cap, aggregate, "a row belongs to another stream", 0, shown);
    }
    for (uint16_t c = 0; c < aggregate->column_count; c++) {
        rv_value value;
        bool unknown = false;
        const rv_status status =
            rv_state_row_cell(state, row->aggregate, at, c, &scratch, &value, &unknown);
        RV_ASSERT(status == RV_OK);
        if (unknown != row->unknown[c] || !naive_same(&value, &row->values[c])) {
            char what[64];
            (void)snprintf(what, sizeof what, "column %u of row %llu", (unsigned)c,
                           (unsigned long long)shown);
            return differs(
                difference, cap, aggregate, what,
                value.class_ == RV_VALUE_INT ? (uint64_t)value.as.integer : 0,
                row->values[c].class_ == RV_VALUE_INT ? (uint64_t)row->values[c].as.integer : 0);
        }
        rv_arena_reset(&scratch, 0);
    }
    return true;
}

bool sim_model_same(sim_model *model, rv_state *state, const rv_schema *schema, char *difference,
                    size_t cap) {
    uint64_t counts[NAIVE_AGGREGATES] = {0};
    for (uint32_t i = 0; i < 2 * NAIVE_ROWS; i++) {
        const naive_row *const row = row_due(model, i);
        if (row == NULL) {
            continue;
        }
        if (row->aggregate >= rv_schema_aggregate_count(schema)) {
            (void)snprintf(difference, cap, "an aggregate is not known");
            return false;
        }
        counts[row->aggregate] += 1;
        if (!same_row(model, state, row, difference, cap)) {
            return false;
        }
    }
    RV_ASSERT(rv_schema_aggregate_count(schema) <= NAIVE_AGGREGATES);
    for (uint16_t a = 0; a < rv_schema_aggregate_count(schema); a++) {
        if (sim_model_knows(model, a) && rv_state_row_count(state, a) != counts[a]) {
            return differs(difference, cap, rv_schema_aggregate(schema, a), "number of rows",
                           rv_state_row_count(state, a), counts[a]);
        }
    }
    return true;
}

bool sim_model_count(const sim_model *model, uint16_t aggregate, uint16_t column, int64_t least,
                     uint64_t *count) {
    *count = 0;
    for (uint32_t i = 0; i < 2 * NAIVE_ROWS; i++) {
        const naive_row *const row = row_due(model, i);
        if (row != NULL && row->aggregate == aggregate) {
            RV_ASSERT(column == RV_NONE || column < NAIVE_COLUMNS);
            *count += column == RV_NONE || (row->values[column].class_ == RV_VALUE_INT &&
                                            row->values[column].as.integer >= least);
        }
    }
    return sim_model_knows(model, aggregate);
}

/* True when the row that the column of this one refers to is there. */
static bool is_joined(const sim_model *model, const naive_row *row, uint16_t column) {
    const rv_schema *const schema = model->truth->schema;
    const uint16_t to = rv_schema_aggregate(schema, row->aggregate)->columns[column].references;
    const uint16_t key = rv_schema_aggregate(schema, to)->key;
    bool found = false;
    for (uint32_t i = 0; i < 2 * NAIVE_ROWS && !found; i++) {
        const naive_row *const other = row_due(model, i);
        found = other != NULL && other->aggregate == to &&
                !rv_value_is_null(&row->values[column]) &&
                naive_same(&other->values[key], &row->values[column]);
    }
    return found;
}

bool sim_model_answer(const sim_model *model, const sim_question *question, uint64_t *count) {
    bool knows = true;
    RV_ASSERT(question->text != NULL);
    *count = 0;
    for (uint32_t i = 0; i < 2 * NAIVE_ROWS; i++) {
        const naive_row *const row = row_due(model, i);
        const rv_aggregate *const aggregate =
            row == NULL ? NULL : rv_schema_aggregate(model->truth->schema, row->aggregate);
        if (row == NULL || !rv_bytes_are(aggregate->name, question->where[0].aggregate)) {
            continue;
        }
        bool counts = question->joined == NULL ||
                      is_joined(model, row, column_of(aggregate, question->joined));
        for (uint32_t k = 0; k < SIM_QUESTION_WHERES && counts; k++) {
            counts = passes(model, &question->where[k], row);
        }
        *count += counts;
    }
    for (uint16_t a = 0; a < rv_schema_aggregate_count(model->truth->schema); a++) {
        knows = knows && sim_model_knows(model, a);
    }
    return knows;
}

void sim_model_corrupt(sim_model *model, uint64_t position) {
    RV_ASSERT(position > 0);
    model->corrupted = position;
}
