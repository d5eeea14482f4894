// SPDX-License-Identifier: Apache-2.0
// Runs a WASI command: node command.mjs MODULE DIRECTORY [ARGUMENT…], with DIRECTORY as its `/`.
import { basename } from 'node:path';

import { runCommand } from './wasi.mjs';

const [file, directory, ...args] = process.argv.slice(2);
process.exitCode = await runCommand(file, [basename(file, '.wasm'), ...args], { '/': directory });
