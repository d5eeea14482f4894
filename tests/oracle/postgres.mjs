// SPDX-License-Identifier: Apache-2.0
// A PostgreSQL 15 of the test's own: made in a temporary folder, reached by a socket in it and not by
// the network, and gone with the test. PostgreSQL refuses to run as root; then it runs as `postgres`,
// the user that its package makes.
//
// A shell keeps it, whose standard input is a pipe from here. When this process ends, in whatever way,
// the pipe closes, and the shell stops the server and removes the folder. It is a session of its own,
// so that Ctrl-C on the terminal does not reach it.
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { chownSync, existsSync, mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const version = '15';

const keeper = `
folder=$1 bin=$2 settings=$3
cd "$folder" || exit 1
serve() {
    "$bin/initdb" -D "$folder/data" -U oracle -A trust --locale=C -E UTF8 --no-sync &&
    "$bin/pg_ctl" -D "$folder/data" -l "$folder/log" -w -s -t 60 start -o "-k '$folder' \\
        -c listen_addresses='' $settings -c TimeZone=UTC -c log_timezone=UTC -c DateStyle=ISO,MDY \\
        -c IntervalStyle=postgres -c lc_messages=C \\
        -c log_min_error_statement=panic -c log_min_messages=fatal"
}
if serve >"$folder/started" 2>&1 </dev/null; then
    echo ready
    cat >/dev/null
    "$bin/pg_ctl" -D "$folder/data" -s -m immediate -w stop >/dev/null 2>&1 </dev/null
    status=0
else
    cat "$folder/started" "$folder/log" >&2
    status=1
fi
rm -rf "$folder"
exit $status
`;

/** What a test wants: quick, and gone with it. */
const forgetful = ['fsync=off', 'full_page_writes=off', 'synchronous_commit=off', 'autovacuum=off',
  'shared_buffers=32MB', 'max_connections=10'];

/** The folder of PostgreSQL's programs. */
function programs() {
  const found = [`/usr/lib/postgresql/${version}/bin`, process.env.RIVULET_POSTGRES_BIN ?? '']
    .find((folder) => existsSync(join(folder, 'initdb')));
  assert.ok(found, `PostgreSQL ${version} is not installed: tools/setup`);
  return found;
}

/** Numbers of a user, by `id`. */
function numberOf(user, option) {
  const run = spawnSync('id', [option, user], { encoding: 'utf8' });
  assert.equal(run.status, 0, `there is no user ${user}: ${run.stderr}`);
  return Number(run.stdout);
}

/** The environment without what would lead PostgreSQL's programs elsewhere. */
function environment() {
  const kept = Object.entries(process.env).filter(([name]) => !name.startsWith('PG'));
  return { ...Object.fromEntries(kept), LC_ALL: 'C', TZ: 'UTC' };
}

/** Starts a server, with other settings for other uses, in a folder of its own below `parent`. `sql(script)` gives what
 *  psql prints; `stop()` is to be called at the end. */
export async function startPostgres({ settings = forgetful, parent = tmpdir() } = {}) {
  const bin = programs();
  const folder = mkdtempSync(join(parent, 'rivulet-oracle-'));
  const given = settings.map((setting) => `-c ${setting}`).join(' ');
  let command = ['sh', '-c', keeper, 'oracle', folder, bin, given];
  if (process.getuid() === 0) {
    const [uid, gid] = [numberOf('postgres', '-u'), numberOf('postgres', '-g')];
    chownSync(folder, uid, gid);
    command = ['setpriv', `--reuid=${uid}`, `--regid=${gid}`, '--clear-groups', ...command];
  }
  const child = spawn(command[0], command.slice(1), {
    stdio: ['pipe', 'pipe', 'pipe'], detached: true, env: environment(),
  });
  const ended = once(child, 'close');
  let errors = '';
  child.stderr.setEncoding('utf8').on('data', (text) => (errors += text));
  child.stdin.on('error', () => {}); // it has ended; `ended` says so
  await Promise.race([once(child.stdout, 'data'), ended]);
  assert.equal(child.exitCode, null, `PostgreSQL did not start: ${errors}`);

  return {
    folder,
    sql(script) {
      const args = ['-X', '-q', '-A', '-t', '-v', 'ON_ERROR_STOP=1', '-h', folder, '-U', 'oracle',
        '-d', 'postgres', '-f', '-'];
      const run = spawnSync(join(bin, 'psql'), args, {
        input: script, encoding: 'utf8', maxBuffer: 1 << 30, env: environment(),
      });
      assert.equal(run.status, 0, `psql: ${run.stderr || run.error}`);
      return run.stdout;
    },
    async stop() {
      child.stdin.end();
      await ended;
      assert.ok(!existsSync(folder), 'PostgreSQL leaves nothing behind');
    },
  };
}
