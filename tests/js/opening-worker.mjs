// SPDX-License-Identifier: Apache-2.0
// The worker of Node with a module that traps at position 2 whenever a database is opened.
import { plant } from './panicking.mjs';

plant('2');
await import('../../js/worker-node.js');
