/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the data of an event is encoded by: its fields in their order, each with its name and type,
 * and the labels of an enum. Two event types of one shape, in whatever schemas, read each other's
 * data as what it was written as.
 */
#ifndef RV_MODEL_SCHEMA_SHAPE_H
#define RV_MODEL_SCHEMA_SHAPE_H

#include "core/base/writer.h"
#include "core/model/schema.h"

/* Writes it, in a form that no other shape has; kept in logs (docs/format/log.md). */
void rv_schema_shape(const rv_event_type *type, rv_writer *w);

#endif
