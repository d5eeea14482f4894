// SPDX-License-Identifier: Apache-2.0
export const types = ['uuid'];

const one = 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11';
const picked = [
  one, one.toUpperCase(), `{${one}}`, `{${one}`, `${one}}`, `{${one}}}`, one.replaceAll('-', ''), ` ${one}`,
  `${one} `, 'a0ee-bc99-9c0b-4ef8-bb6d-6bb9-bd38-0a11', '{a0eebc99-9c0b4ef8-bb6d6bb9-bd380a11}',
  'a-0eebc999c0b4ef8bb6d6bb9bd380a11', 'a0eebc99--9c0b-4ef8-bb6d-6bb9bd380a11', `${one}-`, `-${one}`, '',
  '{}', '{', '-', one.slice(0, -1), `${one}1`, one.replace('a', 'g'), `urn:uuid:${one}`, `(${one})`,
  '00000000-0000-0000-0000-000000000000', 'ffffffff-ffff-ffff-ffff-ffffffffffff', one.replace('-', '_'),
  'a0ee-bc99-9c0b-4ef8-bb6d-6bb9-bd38-0a11-', '{a0eebc999c0b4ef8bb6d6bb9bd380a11-}',
];

export function literals(type, random) {
  const made = Array.from({ length: 1500 }, () => {
    let text = '';
    for (let i = 0; i < 32; i++) {
      text += random.pick('0123456789abcdefABCDEF');
      text += i % 4 === 3 && i < 31 && random.once(2) ? '-' : '';
    }
    text = random.once(5) ? `{${text}}` : text;
    return random.once(3) ? random.mutate(text, '0123456789abcdefg-{} ') : text;
  });
  return [...picked, ...made];
}
