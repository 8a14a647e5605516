// The component: one Stepper per host element. Streamlit calls the default export again after every run of the page,
// so the reader's place lives in the Stepper.

const REST_MS = 450; // without movement, after which the page hears of the step
const PLAY = "M7 4v16l13-8z",
  PAUSE = "M6 5h4v14H6zM14 5h4v14h-4z";
const DARK = 0.46; // grey on which white can be read better than black
const MANY = 12; // terms of a step from which they are drawn smaller
const ROOMY = 220, // numbers in all panels up to which they are drawn large
  ABREAST = 23; // and of them in a row, with the gaps between maps

class Stepper {
  constructor(host) {
    this.host = host;
    this.find = (selector) => host.querySelector(selector);
    this.range = this.find("input");
    this.panels = this.find(".panels");
    this.bench = this.find(".bench");
    this.step = 0;
    this.pending = []; // steps that the page was told of and has not shown yet
    this.listen();
  }

  receive({ walk, subject, rev, step }) {
    const answered = this.pending.indexOf(step); // a slow server may answer late, and several reports at once
    if (subject !== this.subject) this.pending = [];
    else if (answered >= 0) this.pending.splice(0, answered + 1);
    if (subject !== this.subject || (answered < 0 && step !== this.wish)) this.step = this.sent = step;
    Object.assign(this, { subject, wish: step });
    if (rev === this.rev) return this.show();
    this.rev = rev;
    this.walk = walk;
    this.stop();
    this.writers = writers(walk);
    this.readers = readers(walk);
    this.starts = starts(walk);
    this.used = this.starts.map((_, stage) => used(walk, stage));
    this.range.max = walk.steps.length - 1;
    this.draw();
    this.show();
  }

  // drawing

  draw() {
    const { walk } = this;
    const all = walk.panels.reduce((sum, panel) => sum + panel.values.length, 0);
    const widest = Math.max(...walk.panels.map(({ shape: [maps, , columns] }) => maps * (columns + 0.5)));
    this.panels.classList.toggle("roomy", all <= ROOMY && widest <= ABREAST);
    this.panels.replaceChildren(...walk.panels.map((panel, number) => this.figure(panel, number)));
    this.texts = walk.panels.map((panel) => panel.values.map(numeral));
    this.cells = [...this.panels.children].map((figure) => [...figure.querySelectorAll(".cell")]);
    const chips = walk.stages.map((stage, number) => {
      const chip = element("button", "chip", `${number + 1}. ${stage}`);
      chip.type = "button";
      chip.addEventListener("click", () => this.move(this.starts[number]));
      return chip;
    });
    const stages = this.find(".stages");
    stages.hidden = chips.length < 2;
    stages.replaceChildren(...chips);
  }

  figure(panel, number) {
    const [maps, rows, columns] = panel.shape;
    const figure = element("figure", `panel ${panel.kind}`);
    figure.setAttribute("role", "img");
    const [high, wide] = [rows - 2 * panel.pad, columns - 2 * panel.pad];
    figure.setAttribute("aria-label", `${panel.title}: ${maps > 1 ? `${maps} maps of ` : ""}${high} × ${wide}`);
    figure.append(element("figcaption", "", panel.title));
    const most = Math.max(...panel.values.map((value) => Math.abs(value ?? 0)), 1e-9);
    const list = element("div", "maps");
    for (let map = 0; map < maps; map++) {
      const holder = element("div", "map");
      if (panel.names[map]) holder.append(element("span", "name", panel.names[map]));
      const grid = element("div", "grid");
      grid.style.setProperty("--columns", columns);
      for (let i = 0; i < rows * columns; i++) {
        const cell = map * rows * columns + i;
        const box = element("i", "cell");
        const value = panel.values[cell];
        if (panel.pad && framed(panel, place(panel.shape, cell))) {
          box.classList.add("frame");
        } else {
          const share = Math.min(Math.abs(value ?? 0) / most, 1);
          box.style.setProperty("--share", `${Math.round(share * 100)}%`);
          if (panel.kind === "input") box.classList.toggle("dim", share < DARK);
          else if (value < 0) box.classList.add("minus");
        }
        if (this.writers[number][cell] >= 0) box.classList.add("made");
        grid.append(box);
      }
      holder.append(grid);
      list.append(holder);
    }
    figure.append(list);
    figure.dataset.panel = number;
    return figure;
  }

  show() {
    const { walk } = this;
    this.step = Math.max(0, Math.min(this.step, walk.steps.length - 1));
    const now = walk.steps[this.step];
    const lit = walk.panels.map(() => []);
    for (const part of now.parts) if (part.cells) lit[part.panel].push(...part.cells);
    walk.panels.forEach((panel, number) => {
      const chosen = new Set(lit[number]);
      const written = new Set(number === now.panel ? now.cells : []);
      const seen = new Set(now.sees?.[0] === number ? now.sees[1] : []);
      this.cells[number].forEach((box, cell) => {
        const known = this.writers[number][cell] <= this.step;
        const text = known ? this.texts[number][cell] : "";
        if (box.textContent !== text) box.textContent = text;
        box.classList.toggle("blank", !known);
        box.classList.toggle("lit", chosen.has(cell));
        box.classList.toggle("written", written.has(cell));
        box.classList.toggle("seen", seen.has(cell));
      });
      const figure = this.panels.children[number];
      figure.classList.toggle("resting", !this.used[now.stage].has(number));
      figure.classList.toggle("active", chosen.size > 0 || written.size > 0);
      const found = boxes(panel.shape, lit[number]);
      const covered = [...found.values()].reduce((sum, { rows, columns }) => sum + rows * columns, 0);
      figure.classList.toggle("sparse", covered > chosen.size); // the window has gaps
      this.frame(figure, found);
    });
    this.showBench(now);
    this.find(".words").textContent = `${now.words[0].toUpperCase()}${now.words.slice(1)}.`;
    this.find(".count").textContent = `${this.step + 1} / ${walk.steps.length}`;
    this.range.value = this.step;
    this.range.setAttribute("aria-valuetext", `Step ${this.step + 1} of ${walk.steps.length}: ${now.words}`);
    this.range.style.setProperty("--done", `${(100 * this.step) / Math.max(walk.steps.length - 1, 1)}%`);
    [...this.find(".stages").children].forEach((chip, number) => {
      if (number === now.stage) chip.setAttribute("aria-current", "step");
      else chip.removeAttribute("aria-current");
    });
    const ends = { first: this.step === 0, back: this.step === 0 };
    ends.forward = ends.last = this.step === walk.steps.length - 1;
    for (const [go, off] of Object.entries(ends)) this.find(`[data-go=${go}]`).setAttribute("aria-disabled", off);
  }

  /** The window: a frame in every map that is read, which glides from place to place. */
  frame(figure, found) {
    figure.querySelectorAll(".map").forEach((map, number) => {
      const grid = map.querySelector(".grid");
      let window = grid.querySelector(".window");
      const box = found.get(number);
      if (!box) return window?.remove();
      if (!window) grid.append((window = element("b", "window")));
      for (const [name, value] of Object.entries(box)) window.style.setProperty(`--${name}`, value);
    });
  }

  showBench(now) {
    const most = Math.max(...now.parts.map((part) => numbers(this.walk, part).length));
    const made = now.cells.length === 1 ? [{ sign: "→", result: true }] : [];
    this.bench.classList.toggle("many", most > MANY);
    this.bench.replaceChildren(
      ...[...now.parts, ...made].map((part) => {
        const item = element("div", "part");
        if (part.sign) item.append(element("span", "sign", part.sign));
        item.append(part.result ? this.outcome(now) : this.term(part));
        return item;
      }),
    );
  }


  term(part) {
    const [maps, rows, columns] = part.shape;
    const values = numbers(this.walk, part);
    const block = element("div", "term");
    if (part.panel !== undefined) block.classList.add(this.walk.panels[part.panel].kind);
    block.append(element("span", "name", part.title));
    const list = element("div", "maps");
    for (let map = 0; map < maps; map++) {
      const grid = element("div", "grid");
      grid.style.setProperty("--columns", columns);
      for (const value of values.slice(map * rows * columns, (map + 1) * rows * columns))
        grid.append(element("i", value < 0 ? "cell minus" : "cell", numeral(value)));
      list.append(grid);
    }
    block.append(list);
    return block;
  }

  outcome(now) {
    const panel = this.walk.panels[now.panel];
    const block = element("div", `term outcome ${panel.kind}`);
    block.append(
      element("span", "name", panel.title),
      element("strong", "", numeral(panel.values[now.cells[0]])),
    );
    return block;
  }

  // moving

  move(step) {
    this.stop();
    this.go(step);
  }

  go(step) {
    this.step = step;
    this.show();
    clearTimeout(this.rest);
    if (!this.playing) this.rest = setTimeout(() => this.report(), REST_MS);
  }

  report() {
    if (this.sent === this.step) return;
    this.sent = this.step;
    this.pending.push(this.step);
    this.send("step", this.step);
  }

  play() {
    if (this.playing) return this.move(this.step);
    const last = this.walk.steps.length - 1;
    if (this.step === last) this.step = -1;
    const tick = () => {
      this.go(this.step + 1);
      if (this.step >= last) this.move(last);
      else this.playing = setTimeout(tick, Number(this.find("select").value));
    };
    clearTimeout(this.rest);
    this.playing = setTimeout(tick, 0);
    this.mark("Pause", PAUSE);
  }

  stop() {
    clearTimeout(this.playing);
    this.playing = 0;
    this.mark("Play", PLAY);
  }

  /** To and from the full screen, where everything is drawn larger. */
  fill() {
    if (this.host.getRootNode().fullscreenElement === this.host) document.exitFullscreen();
    else if (document.fullscreenEnabled) this.host.requestFullscreen();
  }

  mark(name, shape) {
    this.find(".play").setAttribute("aria-label", name);
    this.find(".play path").setAttribute("d", shape);
    this.find(".words").setAttribute("aria-live", name === "Pause" ? "off" : "polite"); // no reader keeps pace
  }

  listen() {
    const moves = {
      first: () => this.move(0),
      back: () => this.move(this.step - 1),
      play: () => this.play(),
      forward: () => this.move(this.step + 1),
      last: () => this.move(this.walk.steps.length - 1),
    };
    for (const button of this.host.querySelectorAll("[data-go]"))
      button.addEventListener("click", moves[button.dataset.go]);
    const whole = this.find(".whole");
    whole.hidden = !document.fullscreenEnabled;
    whole.addEventListener("click", () => this.fill());
    this.range.addEventListener("input", () => this.move(Number(this.range.value)));
    this.panels.addEventListener("click", (event) => {
      const panel = event.target.closest(".panel");
      if (!panel) return;
      const box = event.target.closest(".made");
      const number = panel.dataset.panel;
      if (box) this.move(this.writers[number][this.cells[number].indexOf(box)]);
      else if (panel.classList.contains("resting")) this.move(this.readers[number]);
    });
    const keys = { Home: "first", ArrowLeft: "back", ArrowRight: "forward", End: "last", " ": "play" };
    this.host.addEventListener("keydown", (event) => {
      const own = event.target.closest("select") || (event.key === " " && event.target.closest("button"));
      if (own || event.ctrlKey || event.metaKey || event.altKey) return;
      if (event.key.toLowerCase() === "f") return this.fill();
      if (!(event.key in keys)) return;
      event.preventDefault();
      moves[keys[event.key]]();
    });
  }
}

function element(tag, className, text = "") {
  return Object.assign(document.createElement(tag), { className, textContent: text });
}

export default function ({ data, parentElement, setStateValue }) {
  const host = parentElement.querySelector(".stepper");
  host.stepper ??= new Stepper(host);
  host.stepper.send = setStateValue;
  host.stepper.receive(data);
}
