// SPDX-License-Identifier: Apache-2.0
// The list of airports with a search field, in a dialog. Its entries are links, so that they open
// in tabs of their own, too. Arrows go through them; Enter in the field takes the first.

const byId = (id) => document.getElementById(id);

export class Picker {
  #dialog = byId('picker');
  #field = byId('search');
  #list = byId('airports');
  #none = byId('no-airport');
  #airports;
  #choose;
  #current = '';

  /** `choose` is called with the code of what was chosen. */
  constructor(airports, choose) {
    this.#airports = airports;
    this.#choose = choose;
    this.#field.addEventListener('input', () => this.#fill());
    this.#dialog.addEventListener('keydown', (event) => this.#key(event));
    this.#list.addEventListener('click', (event) => this.#click(event));
    this.#dialog.addEventListener('click', (event) => {
      if (event.target === this.#dialog && this.#outside(event)) this.#dialog.close();
    });
  }

  open(current) {
    this.#current = current;
    this.#field.value = '';
    this.#fill();
    this.#dialog.showModal();
    this.#field.focus();
  }

  #outside({ clientX: x, clientY: y }) {
    const box = this.#dialog.getBoundingClientRect();
    return x < box.left || x > box.right || y < box.top || y > box.bottom;
  }

  #fill() {
    const found = this.#airports.find(this.#field.value);
    this.#list.replaceChildren(...found.map((airport) => this.#entry(airport)));
    this.#list.scrollTop = 0;
    this.#none.hidden = found.length > 0;
  }

  #entry(airport) {
    const link = document.createElement('a');
    link.href = `?airport=${airport.iata}`;
    link.dataset.iata = airport.iata;
    if (airport.iata === this.#current) link.setAttribute('aria-current', 'true');
    const code = document.createElement('b');
    code.textContent = airport.iata;
    const name = document.createElement('span');
    name.textContent = airport.name;
    const city = document.createElement('small');
    city.textContent = airport.city;
    link.append(code, name, city);
    const entry = document.createElement('li');
    entry.append(link);
    return entry;
  }

  #take(link) {
    this.#dialog.close();
    this.#choose(link.dataset.iata);
  }

  #click(event) {
    const link = event.target.closest('a');
    if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    this.#take(link);
  }

  #key(event) {
    const links = [...this.#list.querySelectorAll('a')];
    const at = links.indexOf(document.activeElement);
    if (event.key === 'Enter' && document.activeElement === this.#field) {
      event.preventDefault();
      if (links[0]) this.#take(links[0]);
    } else if (event.key === 'ArrowDown' || event.key === 'ArrowUp') {
      event.preventDefault();
      const next = at + (event.key === 'ArrowDown' ? 1 : -1);
      (links[next] ?? (next < 0 ? this.#field : links.at(-1)))?.focus();
    }
  }
}
