// SPDX-License-Identifier: Apache-2.0
// The worker of Node with a module that traps in a query that says so.
import { plant } from './panicking.mjs';

plant();
await import('../../js/worker-node.js');
