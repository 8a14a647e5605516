// The component: one Film per host element. Streamlit calls the default export again after every run of the page,
// so what the reader looks at, and whether it plays, live here.

const REST_MS = 300; // without movement, after which the page hears of the epoch
const FRAME_MS = 900; // of an epoch while it plays

class Film {
  constructor(host) {
    this.host = host;
    this.pending = []; // epochs that the page was told of and has not shown yet
    this.find = (selector) => host.querySelector(selector);
    this.range = this.find("input");
    this.range.addEventListener("input", () => this.move(Number(this.range.value)));
    this.find(".play").addEventListener("click", () => (this.playing ? this.stop() : this.play()));
    this.find(".reel").addEventListener("click", (event) => {
      const cell = event.target.closest("[data-frame]");
      if (cell) this.move(Number(cell.dataset.frame));
    });
    this.mark();
  }

  receive({ film, at }) {
    this.film = film;
    const asked = String(at);
    const answered = this.pending.indexOf(asked); // a slow server may answer late, and several reports at once
    if (answered >= 0) this.pending.splice(0, answered + 1);
    if (this.wish === undefined || (asked !== this.wish && answered < 0)) this.number = at;
    this.wish = asked;
    this.index = frameOf(film.epochs, this.number);
    this.draw();
    this.show();
  }

  // drawing

  draw() {
    const { epochs, rows } = this.film;
    this.range.max = Math.max(0, epochs.length - 1);
    const looks = JSON.stringify([epochs, rows]);
    if (looks === this.looks) return;
    this.looks = looks;
    this.host.style.setProperty("--columns", epochs.length);
    const head = element("tr");
    head.append(element("th", "corner", "Map"));
    epochs.forEach((each, frame) => {
      const cell = element("th");
      cell.scope = "col";
      const button = element("button", "", `${each.epoch}`);
      Object.assign(button, { type: "button", disabled: !each.ready, title: each.note });
      button.setAttribute("aria-label", `Epoch ${each.epoch}${each.note ? `, ${each.note}` : ""}`);
      button.dataset.frame = frame;
      cell.append(button);
      head.append(cell);
    });
    this.find("thead").replaceChildren(head);
    this.find("tbody").replaceChildren(...rows.map((row) => this.row(row)));
    this.find(".cards").replaceChildren(...rows.map((row) => this.card(row)));
    this.find(".play").disabled = epochs.filter((each) => each.ready).length < 2;
  }

  row(row) {
    const line = element("tr");
    const name = element("th", "name");
    name.scope = "row";
    name.append(element("b", "", row.title), element("span", "", row.says), curve(row.tiles));
    line.append(name);
    row.tiles.forEach((tile, frame) => {
      const cell = element("td", tile?.jumped ? "jumped" : "");
      if (tile) {
        cell.dataset.frame = frame;
        const words = [`epoch ${this.film.epochs[frame].epoch}`, tile.says, tile.jumped ? "another picture than before" : ""];
        cell.title = words.filter(Boolean).join(", ");
        if (this.film.show !== "patches") cell.append(picture(tile.projection, `Projection, ${cell.title}`, tile.why));
        if (this.film.show !== "projections") cell.append(picture(tile.patch, `Patch, ${cell.title}`, ""));
        if (tile.jumped) cell.append(element("b", "sign", "↷"));
      } else cell.append(element("i", "blank", this.film.epochs[frame].state));
      line.append(cell);
    });
    return line;
  }

  card(row) {
    const card = element("figure", "card");
    const pair = element("div", "pair");
    pair.append(element("div", "half"), element("div", "half"));
    card.append(element("figcaption", "", row.title), pair, element("div", "value"), element("div", "who"), element("div", "leap"));
    return card;
  }

  /** All that depends on the epoch that is looked at. */
  show() {
    const { epochs, rows } = this.film;
    const now = epochs[this.index];
    this.host.classList.toggle("empty", !now);
    if (!now) return;
    this.range.value = this.index;
    const words = `epoch ${now.epoch}${now.note ? ` · ${now.note}` : ""}`;
    this.range.setAttribute("aria-valuetext", words);
    set(this.find(".now"), words);
    this.find(".cards").querySelectorAll(".card").forEach((card, at) => this.fill(card, rows[at].tiles[this.index], rows[at]));
    for (const cell of this.host.querySelectorAll("[data-frame]")) {
      const here = Number(cell.dataset.frame) === this.index;
      cell.classList.toggle("here", here);
      if (cell.tagName === "BUTTON") cell.setAttribute("aria-pressed", here);
    }
  }

  fill(card, tile, row) {
    const [left, right] = card.querySelectorAll(".half");
    const name = `${row.title}, epoch ${this.film.epochs[this.index].epoch}`;
    left.replaceChildren(picture(tile?.projection, `Projection of ${name}`, tile?.why ?? this.film.epochs[this.index].state));
    right.replaceChildren(picture(tile?.patch, tile ? `What the unit saw: ${tile.says}` : "", ""));
    set(card.querySelector(".value"), tile ? `strongest activation ${numeral(tile.value)}` : "");
    set(card.querySelector(".who"), tile?.says ?? "");
    set(card.querySelector(".leap"), tile?.jumped ? `↷ ${tile.before}` : "");
    card.classList.toggle("jumped", Boolean(tile?.jumped));
  }

  // moving

  move(index) {
    this.index = frameOf(this.film.epochs, this.film.epochs[index].epoch);
    this.number = wish(this.film.epochs, this.index);
    this.show();
    clearTimeout(this.rest);
    if (!this.playing) this.rest = setTimeout(() => this.report(), REST_MS);
  }

  report() {
    const asked = String(this.number);
    if (asked === (this.pending.at(-1) ?? this.wish)) return;
    this.pending.push(asked);
    this.send("at", this.number);
  }

  play() {
    const tick = () => {
      const next = following(this.film.epochs, this.index);
      if (next < 0) return this.stop();
      this.move(next);
      this.playing = setTimeout(tick, FRAME_MS);
    };
    this.playing = setTimeout(tick, FRAME_MS);
    if (following(this.film.epochs, this.index) < 0) this.move(following(this.film.epochs, -1));
    this.mark();
  }

  stop() {
    clearTimeout(this.playing);
    this.playing = 0;
    this.mark();
    this.report();
  }

  mark() {
    set(this.find(".play"), this.playing ? "❚❚ Pause" : "▶ Play");
  }
}

function element(tag, className = "", text = "") {
  return Object.assign(document.createElement(tag), { className, textContent: text });
}

function picture(src, alt, why) {
  return src ? Object.assign(document.createElement("img"), { src, alt, draggable: false }) : element("i", "blank", why ?? "");
}

/** What is the same already is not written again: a screen reader would read it again. */
function set(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

/** The strongest activation over the epochs, a small line without numbers: they stand in the chart below. */
function curve(tiles) {
  const NS = "http://www.w3.org/2000/svg";
  const made = document.createElementNS(NS, "svg");
  made.setAttribute("viewBox", "0 0 100 24");
  made.setAttribute("preserveAspectRatio", "none");
  made.setAttribute("aria-hidden", "true");
  const most = Math.max(...tiles.map((tile) => tile?.value ?? 0), 1e-9);
  const points = tiles.map((tile, at) => tile && `${(100 * (at + 0.5)) / tiles.length},${22 - (20 * tile.value) / most}`);
  const line = document.createElementNS(NS, "polyline");
  line.setAttribute("points", points.filter(Boolean).join(" "));
  made.append(line);
  return made;
}

export default function ({ data, parentElement, setStateValue }) {
  const host = parentElement.querySelector(".film");
  host.film ??= new Film(host);
  host.film.send = setStateValue;
  host.film.receive(data);
}
