// SPDX-License-Identifier: Apache-2.0
// A small application of the package, as its users write one. What it finds is shown in the page.
import { open, RivuletError } from 'rivulet';

const schema = `
  CREATE AGGREGATE account (
    id       bigint PRIMARY KEY,
    name     text NOT NULL,
    balance  integer NOT NULL DEFAULT 0
  );
  CREATE EVENT_TYPE account_opened (id creates account(id), name updates account(name));
  CREATE EVENT_TYPE money_paid (
    id      references account(id),
    amount  integer NOT NULL increments account(balance)
  );
  CREATE STREAM accounts (path "/accounts/{id}" event_types (account_opened, money_paid));
`;

async function run() {
  const commands = new URL('./commands.js', import.meta.url);
  const db = await open({ name: 'accounts', schema, commands });
  const [known] = await db.query('SELECT count(*) AS n FROM account');
  if (known.n === 0) db.append('/accounts/42', 'account_opened', { name: 'Ada' });
  await db.run('pay', { id: 42, amount: 5 }).durable('local');
  const types = [];
  for await (const { type } of db.events('/accounts/*')) {
    types.push(type);
    if (type === 'money_paid') break;
  }
  const [row] = await db.query('SELECT name, balance FROM account WHERE id = ?', [42n]);
  const refused = await db
    .append('/accounts/43', 'money_paid', { amount: 5 })
    .durable()
    .catch((error) => error instanceof RivuletError && error.code);
  const command = await db
    .run('pay', { id: 43, amount: 5 })
    .durable()
    .catch((error) => error.refusal);
  await db.close();
  return { ...row, types, refused, command };
}

const shown = await run().catch((error) => ({ error: `${error.code}: ${error.detail}` }));
document.body.dataset.result = JSON.stringify(shown);
