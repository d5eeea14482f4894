// SPDX-License-Identifier: Apache-2.0
// The package's worker with a module that traps where a query says so.
import { plant } from '/tests/js/panicking.mjs';
import '/rivulet/worker.js';

plant();
