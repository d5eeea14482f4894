// SPDX-License-Identifier: Apache-2.0
// Random expressions, typed, from the productions of expressions/*.mjs. An expression is a tree of
// parts, texts and expressions, so that one that fails can be made smaller.
//
// PostgreSQL evaluates what is constant when it plans, even where it would not come to be evaluated. So
// an operator never gets constants alone: one of them is made a column. What may turn out constant
// (coalesce, case, and, or with a constant in it) counts as one.
import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';

const folder = new URL('expressions/', import.meta.url);
const files = readdirSync(folder).sort();
const modules = await Promise.all(files.map((file) => import(new URL(file, folder))));

/** What all modules export under a name; no two may say something of the same. */
function gathered(name) {
  const entries = modules.flatMap((module) => Object.entries(module[name] ?? {}));
  const all = Object.fromEntries(entries);
  assert.equal(Object.keys(all).length, entries.length, `${name} of expressions/ overlap`);
  return all;
}
const groups = gathered('groups');
const literals = gathered('literals');
const untyped = gathered('untyped');
const columns = gathered('columns');
const declared = gathered('declared');

const named = Object.values(columns).flatMap(Object.keys);
assert.equal(new Set(named).size, named.length, 'columns of expressions/ have the same name');

const productions = new Map();
for (const part of modules.flatMap((module) => module.productions)) {
  for (const [type, texts] of Object.entries(part)) {
    productions.set(type, [...(productions.get(type) ?? []), ...texts]);
  }
}

/** The types that expressions are made of. */
export const types = [...productions.keys()];

/** The rows that expressions are evaluated over: lists of `{ name, type, text }`. */
export const rows = [0, 1, 2, 3].map((i) =>
  Object.entries(columns).flatMap(([type, named]) =>
    Object.entries(named).map(([name, values]) =>
      ({ name, type: declared[type] ?? type, text: values[i] ?? null }))));

const quoted = (text) => `'${text.replaceAll("'", "''")}'`;

function columnOf(type, random) {
  return { type, parts: [random.pick(Object.keys(columns[type]))], constant: false };
}

function leaf(type, random) {
  if (random.below(3) > 0) {
    return columnOf(type, random);
  }
  return { type, parts: [literals[type](random)], constant: true };
}

/** A type, of those that a name stands for. */
const resolved = (name, random) => (groups[name] === undefined ? name : random.pick(groups[name]));

/** An expression of a production. */
function made(type, production, depth, random) {
  const parts = production.split(/(<'?[a-z0-9]+'?>)/).filter((part) => part !== '')
    .map((part) => {
      const literal = /^<'([a-z0-9]+)'>$/.exec(part);
      if (literal !== null) {
        return quoted(random.pick(untyped[resolved(literal[1], random)]));
      }
      const child = /^<([a-z0-9]+)>$/.exec(part);
      return child === null ? part : expression(resolved(child[1], random), depth - 1, random);
    });
  const children = parts.filter((part) => typeof part !== 'string');
  if (children.length > 0 && children.every((child) => child.constant)) {
    const at = parts.indexOf(random.pick(children));
    parts[at] = columnOf(parts[at].type, random);
  }
  const known = parts.some((part) => part.constant || part.startsWith?.("'"));
  const enclosed = parts.map((part) => {
    const compound = typeof part !== 'string' && part.parts.length > 1;
    return compound && (known || random.below(4) > 0) ? { ...part, enclosed: true } : part;
  });
  const choice = parts.some((part) => /coalesce|case|and|or|null/.test(part));
  return { type, parts: enclosed, constant: children.length === 0 || (choice && known) };
}

/** An expression of the type, at most so deep. */
export function expression(type, depth, random) {
  if (depth === 0 || random.once(5)) {
    return leaf(type, random);
  }
  return made(type, random.pick(productions.get(type)), depth, random);
}

/** One expression of each production, with leaves in it. */
export function everyProduction(random) {
  return [...productions].flatMap(([type, texts]) => texts.map((text) => made(type, text, 1, random)));
}

/** The expression as text. */
export function textOfTree(tree) {
  const text = tree.parts.map((part) => (typeof part === 'string' ? part : textOfTree(part))).join('');
  return tree.enclosed ? `(${text})` : text;
}

/** True when no operator has constants alone. */
function sound(tree) {
  const children = tree.parts.filter((part) => typeof part !== 'string');
  return children.every(sound) && !(children.length > 0 && children.every(({ constant }) => constant));
}

/** Smaller expressions that are in it: each of its own, and it with one of them made a column. */
export function smaller(tree, random) {
  const found = [];
  const visit = (node, rebuild) => {
    node.parts.forEach((part, i) => {
      if (typeof part === 'string') {
        return;
      }
      const inside = (other) =>
        rebuild({ ...node, parts: node.parts.map((each, k) => (k === i ? other : each)) });
      found.push({ ...part, enclosed: false });
      if (part.parts.length > 1 || part.constant) {
        found.push(inside(columnOf(part.type, random)));
        for (const grandchild of part.parts) {
          if (typeof grandchild !== 'string' && grandchild.type === part.type) {
            found.push(inside(grandchild));
          }
        }
      }
      visit(part, inside);
    });
  };
  visit(tree, (other) => other);
  const size = textOfTree(tree).length;
  return found.filter((other) => sound(other) && textOfTree(other).length < size);
}
