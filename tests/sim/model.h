/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a node must hold, by the naive twin of the state (tests/unit/state/naive.h): the fold of the
 * truth's events up to a position, as far as the patterns select them. The model of the root judges
 * as it folds; those of edges apply.
 */
#ifndef RV_TESTS_SIM_MODEL_H
#define RV_TESTS_SIM_MODEL_H

#include "core/engine.h"
#include "core/state/state.h"
#include "tests/sim/operations.h"
#include "tests/sim/plan.h"
#include "tests/sim/truth.h"

typedef struct sim_model sim_model;

/* Forgets the values of all models: before the models of a world are made. */
void sim_models_reset(void);

/* Of everything (the root's), or of what the first selection says. `truth` and `plan` are kept. */
sim_model *sim_model_create(const sim_truth *truth, const sim_member_plan *plan);
void sim_model_free(sim_model *model);

/* The position up to which it has folded. */
uint64_t sim_model_position(const sim_model *model);

/* Folds on to `position`, or from the start when that lies behind. The root's: RV_OK, or why the
 * rules refuse the event at `*refused`, which the root has accepted. */
rv_status sim_model_fold(sim_model *model, uint64_t position, uint64_t *refused);

/* Folds from the start again, as the truth has another end. */
void sim_model_reset(sim_model *model);

/* From now on of this one of the plan's selections. */
void sim_model_select(sim_model *model, uint8_t selection);

/* What the rules say about an operation that was refused where the root's model now stands: RV_OK
 * when they would accept it. Changes nothing. `written_at` is about when it was judged. */
rv_status sim_model_judge(sim_model *model, const sim_operation *operation, int64_t written_at);

/* An event of a stream that the edge holds, as it waits there. */
typedef struct sim_waiting {
    rv_bytes path;
    rv_event event;
    rv_expected_kind expected;
    uint64_t expected_version;
} sim_waiting;

/* What waits at an edge is folded over its model, batch by batch, from _begin to _end, which takes
 * it all back. A batch is folded whole or not at all: RV_OK, or why not; without `judge` only
 * expected versions are judged. sim_model_unlay takes the last one back that was. */
void sim_model_lay_begin(sim_model *model);
rv_status sim_model_lay(sim_model *model, const sim_waiting *waiting, uint32_t count, bool judge);
void sim_model_unlay(sim_model *model);
void sim_model_lay_end(sim_model *model);

/* False: the model has no room for them, or no such event types. */
bool sim_model_lays(const sim_model *model, const sim_waiting *waiting, uint32_t count);

/* The version of a stream with what is laid. */
uint64_t sim_model_laid_version(const sim_model *model, rv_bytes path);

/* The rows that the model has of it are those that the edge folds; and they are all that there are.
 */
bool sim_model_folds(const sim_model *model, uint16_t aggregate);
bool sim_model_complete(const sim_model *model, uint16_t aggregate);

/* From now on, what the node says to be stale is not compared: whether it is right to say so is
 * checked elsewhere (tests/sim/older.h). */
void sim_model_stale(sim_model *model, const rv_node *node);

/* Compares rows with the state of a node that stands where the model does. True when they are the
 * same; else `difference` says what is not. */
bool sim_model_same(sim_model *model, rv_state *state, const rv_schema *schema, char *difference,
                    size_t cap);

/* How many rows of the aggregate have a value in an integer column that is at least `least`;
 * `column` RV_NONE: all rows. False: which rows there are depends on what the model does not know,
 * see sim_model_knows. */
bool sim_model_count(const sim_model *model, uint16_t aggregate, uint16_t column, int64_t least,
                     uint64_t *count);

/* How many rows the question counts. False as above. */
bool sim_model_answer(const sim_model *model, const sim_question *question, uint64_t *count);

/* False of one that is stale, and of a shared aggregate where not all streams are selected and
 * bases are: those have what other streams did to its rows as well. Such an aggregate is true only
 * where it is selected. */
bool sim_model_knows(const sim_model *model, uint16_t aggregate);

/* The canary of a wrong row: the model forgets what the event at this position did. */
void sim_model_corrupt(sim_model *model, uint64_t position);

#endif
