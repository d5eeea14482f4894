// SPDX-License-Identifier: Apache-2.0
// Certificates for the tests of TLS, by the `openssl` of the system: authorities of their own, and what
// they vouch for.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const CONFIGURATION = `
[ca]
default_ca = own
[own]
database = index.txt
new_certs_dir = .
serial = serial
default_md = sha256
policy = any
unique_subject = no
[any]
commonName = supplied
[authority]
basicConstraints = critical, CA:TRUE
[server]
subjectAltName = \${ENV::NAMES}
`;

export class Authority {
  #folder;

  constructor(folder) {
    this.#folder = folder;
    mkdirSync(folder);
    writeFileSync(join(folder, 'ca.cnf'), CONFIGURATION);
    writeFileSync(join(folder, 'index.txt'), '');
    writeFileSync(join(folder, 'serial'), '01');
    this.#key('authority', 'ec', folder);
    this.#sign('authority', 'authority', 'DNS:unused', ['-selfsign'], -1, 30);
    this.file = join(folder, 'authority.pem');
    this.pem = readFileSync(this.file, 'utf8');
  }

  #openssl(args, names = '') {
    const run = spawnSync('openssl', args, { cwd: this.#folder, encoding: 'utf8', env: { ...process.env, NAMES: names } });
    assert.equal(run.status, 0, `openssl ${args.join(' ')}: ${run.error ?? run.stderr}`);
  }

  #key(name, kind, subject) {
    const how = kind === 'rsa' ? ['-newkey', 'rsa:2048'] : ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256'];
    this.#openssl(['req', ...how, '-nodes', '-keyout', `${name}.key`, '-out', `${name}.csr`, '-subj', `/CN=${subject.slice(-60).replaceAll('/', '-')}`]);
  }

  #sign(name, extensions, names, how, fromDays, toDays) {
    const day = (days) => new Date(Date.now() + days * 86400000).toISOString().replace(/[-:T]|\.\d+/g, '').slice(0, 14) + 'Z';
    this.#openssl(['ca', '-batch', '-notext', '-config', 'ca.cnf', '-in', `${name}.csr`, '-out', `${name}.pem`, '-extensions', extensions,
      '-startdate', day(fromDays), '-enddate', day(toDays), '-keyfile', 'authority.key', ...how], names);
  }

  /** A server's certificate and its key, as files; `names` as openssl has them, `days` from when until when. */
  issue(name, { kind = 'ec', names = 'DNS:localhost,IP:127.0.0.1', days = [-1, 10] } = {}) {
    this.#key(name, kind, name);
    this.#sign(name, 'server', names, ['-cert', 'authority.pem'], ...days);
    return { cert: join(this.#folder, `${name}.pem`), key: join(this.#folder, `${name}.key`) };
  }
}

/** The options by which a node serves with it. */
export const served = ({ cert, key }) => ['--tls-cert', cert, '--tls-key', key];
