// SPDX-License-Identifier: Apache-2.0
import { enums } from '../cases.mjs';

export const types = Object.keys(enums);

export function literals(type, random) {
  const labels = enums[type];
  const forms = labels.flatMap((label) =>
    [label, label.toUpperCase(), ` ${label}`, `${label} `, label.slice(1), label + label, `"${label}"`]);
  const made = Array.from({ length: 500 }, () => random.mutate(random.pick(labels), 'freteamFRsö\''));
  return ['', '  ', '0', '1', 'null', 'x'.repeat(63), 'x'.repeat(64), 'x'.repeat(200), ...forms, ...made];
}
