// The component: one Sheet per host element. Streamlit calls the default export again after every run of the page.

const ACROSS = 3; // tiles in a row of a grid
const STEPS = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] };

class Sheet {
  constructor(host) {
    this.host = host;
    this.cards = new Map(); // by name: the card's element and what it shows
    for (const [event, told] of [["pointerover", true], ["pointerout", false], ["focusin", true], ["focusout", false]])
      host.addEventListener(event, ({ target }) => this.tell(target.closest?.("[data-tile]"), told));
    host.addEventListener("click", ({ target }) => this.open(target.closest("[data-tile]")));
    host.addEventListener("keydown", (event) => this.step(event));
  }

  receive({ label, cards }) {
    this.host.setAttribute("aria-label", label);
    const shown = cards.map((card) => this.card(card));
    const now = [...this.host.children];
    if (shown.length !== now.length || shown.some((each, i) => each !== now[i])) this.host.replaceChildren(...shown);
    for (const [name, { node }] of this.cards) if (!shown.includes(node)) this.cards.delete(name);
  }

  /** A card's element, made anew only where something of it has changed, so that nothing flickers or loses the focus. */
  card(card) {
    const looks = JSON.stringify({ ...card, chosen: false });
    let held = this.cards.get(card.name);
    if (held?.looks !== looks) {
      held = { looks, card, node: draw(card) };
      this.cards.set(card.name, held);
    }
    held.node.classList.toggle("chosen", card.chosen);
    return held.node;
  }

  /** What is pointed at is marked in both grids, and said below them. */
  tell(tile, on) {
    if (!tile) return;
    const node = tile.closest(".card");
    const { card } = this.cards.get(node.dataset.name);
    for (const each of node.querySelectorAll(`[data-tile="${tile.dataset.tile}"]`)) each.classList.toggle("at", on);
    const note = node.querySelector(".note");
    note.textContent = on ? card.tiles[tile.dataset.tile - 1] : card.note;
    note.classList.toggle("told", on);
  }

  open(tile) {
    if (tile) this.send("opened", `${tile.closest(".card").dataset.name}.${tile.dataset.tile}`);
  }

  /** Arrows go from tile to tile, and over the edge of a grid to the card that lies there. */
  step(event) {
    const step = STEPS[event.key];
    const button = event.target.closest("button[data-tile]");
    if (!step || !button) return;
    event.preventDefault();
    const at = button.dataset.tile - 1;
    const row = Math.floor(at / ACROSS) + step[0], column = (at % ACROSS) + step[1];
    const card = button.closest(".card");
    const inside = row >= 0 && row < ACROSS && column >= 0 && column < ACROSS;
    const next = inside ? card : this.beside(card, step);
    const around = (value) => (value + ACROSS) % ACROSS;
    const wanted = ACROSS * around(row) + around(column) + 1;
    const found = next?.querySelector(`button[data-tile="${wanted}"]`) ?? (inside ? null : next?.querySelector("button[data-tile]"));
    if (!found) return;
    for (const each of next.querySelectorAll("button[data-tile]")) each.tabIndex = each === found ? 0 : -1;
    found.focus();
  }

  beside(card, [down, across]) {
    const cards = [...this.host.children];
    const wide = getComputedStyle(this.host).gridTemplateColumns.split(" ").length;
    return cards[cards.indexOf(card) + across + down * wide];
  }
}

function draw(card) {
  const node = element("div", "card");
  node.dataset.name = card.name;
  node.setAttribute("role", "group");
  node.setAttribute("aria-label", `${card.title}, ${card.aside}`);
  const title = element("div", "title", card.title);
  title.append(element("span", "", card.aside));
  const grids = element("div", "grids");
  const spoken = card.grids.findIndex((grid) => grid.uri); // the grid whose tiles the keyboard reaches
  card.grids.forEach((grid, i) => grids.append(drawGrid(grid, card, i === spoken)));
  node.append(title, grids, element("p", "note", card.note));
  return node;
}

function drawGrid(grid, card, spoken) {
  const node = element("div", "grid");
  if (!grid.uri) {
    node.append(element("p", "why", grid.why));
    return node;
  }
  const picture = Object.assign(element("img", ""), { src: grid.uri, alt: grid.title, draggable: false });
  const hits = element("div", "hits");
  card.tiles.forEach((says, at) => {
    const hit = element(spoken ? "button" : "span", "");
    hit.dataset.tile = at + 1;
    if (spoken) {
      hit.type = "button";
      hit.tabIndex = at ? -1 : 0;
      hit.setAttribute("aria-label", `${card.title}, ${says}`);
    }
    hits.append(hit);
  });
  node.append(picture, hits);
  return node;
}

function element(tag, className, text = "") {
  return Object.assign(document.createElement(tag), { className, textContent: text });
}

export default function ({ data, parentElement, setTriggerValue }) {
  const host = parentElement.querySelector(".sheet");
  host.sheet ??= new Sheet(host);
  host.sheet.send = setTriggerValue;
  host.sheet.receive(data);
}
