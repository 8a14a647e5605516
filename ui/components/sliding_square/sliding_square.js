// The component: one Sliding per host element. Streamlit calls the default export again after every run of the page,
// so the place of the square lives here.

const REST_MS = 300; // without movement, after which the page hears of the place
const LETTERED = 12; // px: the least width of a cell that has a letter

class Sliding {
  constructor(host) {
    this.host = host;
    this.find = (selector) => host.querySelector(selector);
    this.pending = []; // places that the page was told of and has not shown yet
    this.sheets = new Map(); // by key, the elements of a panel
    this.listen();
    new ResizeObserver(() => this.letters()).observe(this.find(".maps"));
  }

  receive({ sheet, at, answer }) {
    const wish = at ? at.join() : "";
    const answered = this.pending.indexOf(wish); // a slow server may answer late, and several reports at once
    if (answered >= 0) this.pending.splice(0, answered + 1);
    const moved = wish !== this.wish && answered < 0;
    this.wish = wish;
    this.answer = answer;
    this.sheet = sheet;
    const { side, size, ys, xs } = sheet;
    const grid = [ys, xs, size].join("|");
    if (!this.place || moved || grid !== this.grid) {
      const point = at && (moved || !this.place) ? at.map((start) => start + size / 2) : this.point ?? side.map((s) => s / 2);
      this.place = [nearest(ys, size, side[0], point[0]), nearest(xs, size, side[1], point[1])];
      this.sent = this.key();
    }
    this.grid = grid;
    this.host.style.setProperty("--high", side[0]);
    this.host.style.setProperty("--wide", side[1]);
    for (const [axis, starts] of [["y", ys], ["x", xs]]) this.range(axis).max = starts.length - 1;
    this.draw();
    this.show();
  }

  range(axis) {
    return this.find(`[data-axis=${axis}]`);
  }

  /** Row and column of the square's upper left pixel. */
  corner() {
    return [this.sheet.ys[this.place[0]], this.sheet.xs[this.place[1]]];
  }

  key() {
    return this.corner().join();
  }

  // drawing

  draw() {
    const { sheet } = this;
    const picture = this.find(".picture");
    picture.querySelector("figcaption").textContent = sheet.title;
    const view = picture.querySelector(".view");
    if (view.dataset.photo !== sheet.photo) {
      view.dataset.photo = sheet.photo;
      view.replaceChildren(image("", sheet.photo, sheet.alt), element("div", "square"));
    }
    const cover = view.querySelector(".square");
    if (cover.dataset.cover !== (sheet.cover ?? "")) {
      cover.dataset.cover = sheet.cover ?? "";
      cover.replaceChildren(...(sheet.cover ? [image("", sheet.cover, "")] : []));
    }
    const shown = sheet.panels.map((panel) => this.panel(panel));
    const maps = this.find(".maps");
    if (shown.length !== maps.children.length || shown.some((each, i) => each !== maps.children[i])) maps.replaceChildren(...shown);
    this.letters();
  }

  /** The figure of a panel, made once and then kept up to date, so that nothing flickers. */
  panel(panel) {
    let figure = this.sheets.get(panel.key);
    if (!figure) {
      figure = element("figure", "panel");
      figure.dataset.panel = panel.key;
      figure.append(element("figcaption", ""), element("div", "view"), element("div", "scale"), element("div", "value"), element("p", "note"));
      this.sheets.set(panel.key, figure);
    }
    set(figure.querySelector("figcaption"), panel.title);
    const view = figure.querySelector(".view");
    view.classList.toggle("still", !panel.image);
    const looks = [panel.image, panel.below, panel.why].join("|");
    if (view.looks !== looks) {
      view.looks = looks;
      const parts = [];
      if (panel.below) parts.push(image("below", this.sheet.photo, ""));
      if (panel.image) parts.push(image(panel.below ? "map" : "", panel.image, panel.alt), element("div", "letters"), element("div", "square"));
      else parts.push(element("p", "why", panel.why));
      view.replaceChildren(...parts);
    }
    this.scale(figure.querySelector(".scale"), panel);
    set(figure.querySelector(".note"), panel.note ?? "");
    return figure;
  }

  scale(place, { bar, legend }) {
    const looks = JSON.stringify([bar, legend]);
    if (place.looks === looks) return;
    place.looks = looks;
    const parts = [];
    if (bar) {
      const strip = element("div", "bar");
      strip.style.background = bar.colours;
      if (bar.whole !== null) {
        const mark = element("i", "whole");
        mark.style.left = `${100 * bar.whole}%`;
        strip.append(mark);
      }
      const ends = element("div", "ends");
      ends.append(...bar.ends.map((text) => element("span", "", text)));
      parts.push(strip, ends);
    }
    if (legend) {
      const list = element("ul", "legend");
      for (const { letter, colour, ink, name, share } of legend) {
        const item = element("li", "");
        const swatch = element("b", "", letter);
        Object.assign(swatch.style, { background: colour, color: ink });
        item.append(swatch, element("span", "", `${name}, ${share}`));
        list.append(item);
      }
      parts.push(list);
    }
    place.replaceChildren(...parts);
  }

  /** A letter on each cell of a map of kinds, where there is room. */
  letters() {
    if (!this.sheet) return;
    const { sheet } = this;
    const rows = cells(sheet.ys, sheet.size, sheet.side[0]), columns = cells(sheet.xs, sheet.size, sheet.side[1]);
    for (const panel of sheet.panels) {
      if (!panel.kinds || !panel.image) continue;
      const box = this.sheets.get(panel.key).querySelector(".letters");
      const width = (box.clientWidth / sheet.side[1]) * (columns[0][1] - columns[0][0]);
      const roomy = width >= LETTERED;
      const looks = `${roomy}${panel.kinds}`;
      if (box.looks === looks) continue;
      box.looks = looks;
      if (!roomy) {
        box.replaceChildren();
        continue;
      }
      const drawn = [];
      panel.kinds.forEach((kind, at) => {
        if (kind <= 0) return; // the first kind is what most places are: it stays plain
        const [top, bottom] = rows[Math.floor(at / columns.length)], [left, right] = columns[at % columns.length];
        const letter = element("i", "", panel.legend[kind].letter);
        letter.style.color = panel.legend[kind].ink;
        put(letter, sheet.side, top, left, bottom - top, right - left);
        drawn.push(letter);
      });
      box.replaceChildren(...drawn);
    }
  }

  /** All that depends on where the square is. */
  show() {
    const { sheet } = this;
    const [y, x] = this.corner();
    const [high, wide] = sheet.side;
    const at = this.place[0] * sheet.xs.length + this.place[1];
    const height = Math.min(sheet.size, high - y), width = Math.min(sheet.size, wide - x);
    for (const square of this.host.querySelectorAll(".square")) put(square, sheet.side, y, x, height, width);
    const square = this.find(".picture .square");
    square.style.background = sheet.tints ? sheet.tints[sheet.tints.length > 1 ? at : 0] : "none";
    const cover = square.querySelector("img");
    if (cover) {
      const share = (part, whole) => `${(100 * part) / whole}%`;
      Object.assign(cover.style, { width: share(wide, width), height: share(high, height), left: share(-x, width), top: share(-y, height) });
    }
    this.slider("x", this.place[1], `${x} px`, `the square's left edge at pixel ${x} of ${wide}`);
    this.slider("y", this.place[0], `${y} px`, `the square's upper edge at pixel ${y} of ${high}`);
    for (const panel of sheet.panels) {
      const figure = this.sheets.get(panel.key);
      const value = figure.querySelector(".value");
      if (panel.values) set(value, `Here: ${this.compared(panel, at)}`);
      else if (panel.kinds) set(value, panel.kinds[at] < 0 ? "Here: not known yet" : `Here: ${sheet.says[at]}`);
      else set(value, "");
      const legend = figure.querySelectorAll(".legend li");
      legend.forEach((item, kind) => item.classList.toggle("here", panel.kinds?.[at] === kind));
    }
    this.showAnswer(at);
  }

  compared({ values, whole, unit }, at) {
    const now = numeral(values[at], unit);
    return values[at] === null ? now : `${now} (${change(values[at], whole, unit)})`;
  }

  showAnswer(at) {
    const { sheet, answer } = this;
    const known = sheet.says[at];
    const fits = answer && answer.at.join() === this.key();
    const says = known ?? (fits ? answer.rows[0].name : null);
    const top = known ? sheet.top[at] : fits ? answer.rows[0].now : null;
    const main = sheet.panels.find((panel) => panel.key === "probability");
    let share = main.values[at];
    if (share === null && fits) share = answer.target;
    const words = [];
    if (says === null) words.push("Not known yet for this place.");
    else {
      const still = says === sheet.whole.says ? "still says" : "now says";
      words.push(`With the square here the network ${still} ${says} (${numeral(top, "share")}).`);
      if (says !== sheet.target || still === "now says")
        words.push(`${sheet.target}: ${numeral(share, "share")}, ${change(share, main.whole, "share")}.`);
      else words.push(`Without it: ${numeral(main.whole, "share")}.`);
    }
    set(this.find(".words"), words.join(" "));
    const list = this.find(".answer");
    list.classList.toggle("late", !fits);
    if (!answer || list.looks === JSON.stringify(answer)) return;
    list.looks = JSON.stringify(answer);
    const parts = [element("span", "head", "The five most probable; the line is where each stands without the square")];
    for (const { name, now, before } of answer.rows) {
      const rod = element("span", "rod");
      const bar = element("i", ""), mark = element("b", "");
      bar.style.width = `${100 * now}%`;
      mark.style.left = `${100 * before}%`;
      rod.append(bar, mark);
      parts.push(element("span", "name", name), rod, element("span", "share", numeral(now, "share")));
    }
    list.replaceChildren(...parts);
  }

  slider(axis, value, text, words) {
    const range = this.range(axis);
    range.value = value;
    range.setAttribute("aria-valuetext", words);
    range.parentElement.querySelector("output").textContent = text;
  }

  // moving

  move(row, column) {
    const within = (value, count) => Math.max(0, Math.min(value, count - 1));
    const place = [within(row, this.sheet.ys.length), within(column, this.sheet.xs.length)];
    this.place = place;
    const { side, size, ys, xs } = this.sheet;
    this.point = [middle(ys[place[0]], size, side[0]), middle(xs[place[1]], size, side[1])];
    this.show();
    clearTimeout(this.rest);
    this.rest = setTimeout(() => this.report(), REST_MS);
  }

  report() {
    if (this.sent === this.key()) return;
    this.sent = this.key();
    this.pending.push(this.sent);
    this.send("at", this.corner());
  }

  follow(view, event) {
    const box = view.getBoundingClientRect();
    const { side, size, ys, xs } = this.sheet;
    const y = ((event.clientY - box.top) / box.height) * side[0], x = ((event.clientX - box.left) / box.width) * side[1];
    this.move(nearest(ys, size, side[0], y), nearest(xs, size, side[1], x));
  }

  listen() {
    for (const axis of ["x", "y"])
      this.range(axis).addEventListener("input", () => this.move(Number(this.range("y").value), Number(this.range("x").value)));
    const sheer = this.range("sheer");
    const thin = () => {
      this.host.style.setProperty("--sheer", sheer.value / 100);
      sheer.parentElement.querySelector("output").textContent = `${sheer.value} %`;
    };
    sheer.addEventListener("input", thin);
    thin();
    this.host.addEventListener("pointerdown", (event) => {
      const view = event.target.closest(".view:not(.still)");
      if (!view || event.button > 0) return;
      view.setPointerCapture(event.pointerId);
      this.follow(view, event);
      event.preventDefault();
    });
    this.host.addEventListener("pointermove", (event) => {
      const view = event.target.closest(".view:not(.still)");
      if (view?.hasPointerCapture(event.pointerId)) this.follow(view, event);
    });
  }
}

function element(tag, className, text = "") {
  return Object.assign(document.createElement(tag), { className, textContent: text });
}

function image(className, src, alt) {
  return Object.assign(document.createElement("img"), { className, src, alt: alt ?? "", draggable: false });
}

/** What is the same already is not written again: a screen reader would read it again. */
function set(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

function put(node, [high, wide], top, left, height, width) {
  const share = (part, whole) => `${(100 * part) / whole}%`;
  Object.assign(node.style, { top: share(top, high), left: share(left, wide), height: share(height, high), width: share(width, wide) });
}

export default function ({ data, parentElement, setStateValue }) {
  const host = parentElement.querySelector(".sliding");
  host.sliding ??= new Sliding(host);
  host.sliding.send = setStateValue;
  host.sliding.receive(data);
}
