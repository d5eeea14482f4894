// SPDX-License-Identifier: Apache-2.0
// The processes of a browser, found by /proc: the one that has a profile open, and those below it.
import { readFileSync, readdirSync } from 'node:fs';

/** All processes: {pid, parent, state, command} each; one that ends meanwhile is left out. */
function all() {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => {
      try {
        const stat = readFileSync(`/proc/${name}/stat`, 'utf8');
        const [state, parent] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
        const command = readFileSync(`/proc/${name}/cmdline`, 'utf8').replaceAll('\0', ' ').trim();
        return state === 'Z' ? [] : [{ pid: Number(name), parent: Number(parent), state, command }];
      } catch {
        return [];
      }
    });
}

/** The process that was started with the profile, and all below it. */
export function family(profile) {
  const processes = all();
  const members = processes.filter((one) => one.command.includes(profile));
  for (let i = 0; i < members.length; i++) {
    const children = processes.filter((one) => one.parent === members[i].pid);
    members.push(...children.filter((child) => !members.includes(child)));
  }
  return members.filter((one) => one.pid !== process.pid);
}

/** Kills, at once and without a word; one that has ended already is no matter. */
export function kill(processes) {
  for (const { pid } of processes) {
    try {
      process.kill(pid, 'SIGKILL');
    } catch (error) {
      if (error.code !== 'ESRCH') throw error;
    }
  }
}
