// SPDX-License-Identifier: Apache-2.0
// What the board looks like: text for a terminal, made from what the edge node answers.

const esc = (code) => (text) => (process.stdout.isTTY ? `\x1b[${code}m${text}\x1b[0m` : `${text}`);
const bold = esc('1');
const dim = esc('2');
const amber = esc('33');
const red = esc('31');
const green = esc('32');

const number = (value) => value.toLocaleString('en-US');

function delayText(minutes) {
  const text = minutes > 0 ? `+${minutes} min` : minutes < 0 ? `${minutes} min` : 'on time';
  const padded = text.padStart(9);
  return minutes >= 30 ? red(padded) : minutes > 10 ? amber(padded) : green(padded);
}

function flightLine(flight, airports) {
  const to = airports.get(flight.destination);
  return [
    ' ',
    amber(flight.scheduled_at.slice(5, 16).replace('T', '  ')),
    bold(flight.destination.padEnd(4)),
    (to?.city ?? '').slice(0, 26).padEnd(26),
    delayText(flight.delay),
    dim(`${number(flight.distance)} mi`.padStart(9)),
    dim(`#${flight.id}`.padStart(7)),
  ].join('  ');
}

/** So many that the whole board fits the terminal. */
const rowsMax = () => Math.max(3, Math.min(12, (process.stdout.rows ?? 40) - 19));

/**
 * The whole board.
 * @param view {{airport, flights, airports, edge, central, page, keys, done, total}}; `central` is
 * null while the central node is stopped, `page` where there is none; `keys`: there is a keyboard
 */
export function drawBoard(view) {
  const { airport, flights, airports, edge, central, page, keys, done, total } = view;
  const rows = flights.slice(0, rowsMax());
  const position = central ? number(central.position).padStart(7) : 'stopped';
  const lag = Math.max(0, (central ?? edge.upstream).position - edge.synced_to);
  const agrees =
    central?.position === edge.synced_to && central.selection_hash === edge.state_hash;
  const average = airport && airport.departures > 0 ? airport.minutes_late / airport.departures : 0;
  const lines = [
    '',
    airport
      ? `  ${bold(amber(`DEPARTURES  ${airport.iata}`))}  ${airport.name}, ${airport.city}`
      : `  ${dim('waiting for the airport …')}`,
    '',
    dim('   day    time   to    city                            delay   distance   flight'),
    ...rows.map((flight) => flightLine(flight, airports)),
    ...Array.from({ length: rowsMax() - rows.length }, () => ''),
    '',
    airport
      ? `  ${number(airport.departures)} departures, ${average.toFixed(1)} minutes late on average`
      : '',
    '',
    dim('  ──────────────────────────────────────────────────────────────────────────────'),
    `  central  position ${bold(position)}   ${number(done)} of ${number(total)} flights`,
    `  edge     position ${bold(number(edge.synced_to).padStart(7))}   lag ${lag}   ` +
      `${number(edge.sequence)} events held   ${edge.upstream.state}`,
    `  state    ${dim(edge.state_hash)}   ${agrees ? green("equal to the central node's") : ''}`,
    ...(page ? ['', `  page     ${bold(page)}`] : []),
    ...(keys ? [dim(`  keys     s ${central ? 'stops' : 'starts'} the central node  q ends`)] : []),
    '',
  ];
  return lines.join('\n');
}

/** Puts `text` where the last one was. */
export function redraw(text) {
  if (process.stdout.isTTY) process.stdout.write(`\x1b[H\x1b[J${text}\n`);
}
