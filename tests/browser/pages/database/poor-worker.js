// SPDX-License-Identifier: Apache-2.0
// The package's worker in a browser that lacks what the address says.
import './deny.js';
import '/rivulet/worker.js';
