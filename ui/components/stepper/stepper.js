// The component: one Stepper per host element. Streamlit calls the default export again after every run of the page,
// so the reader's place lives in the Stepper.

const DARK = 0.46; // grey on which white can be read better than black
const MANY = 12; // terms of a step from which they are drawn smaller
const ROOMY = 220, // numbers in all panels up to which they are drawn large
  ABREAST = 23; // and of them in a row, with the gaps between maps

class Stepper extends Player {
  constructor(host) {
    super(host);
    this.panels = this.find(".panels");
    this.bench = this.find(".bench");
    this.panels.addEventListener("click", (event) => {
      const panel = event.target.closest(".panel");
      if (!panel) return;
      const box = event.target.closest(".made");
      const number = panel.dataset.panel;
      if (box) this.move(this.writers[number][this.cells[number].indexOf(box)]);
      else if (panel.classList.contains("resting")) this.move(this.readers[number]);
    });
  }

  load({ walk }) {
    this.walk = walk;
    this.writers = writers(walk);
    this.readers = readers(walk);
    this.starts = starts(walk);
    this.used = this.starts.map((_, stage) => used(walk, stage));
    this.lay();
    const stages = walk.stages.map((title, number) => ({ title, start: this.starts[number] }));
    return { steps: walk.steps.length, stages };
  }

  // drawing

  lay() {
    const { walk } = this;
    const all = walk.panels.reduce((sum, panel) => sum + panel.values.length, 0);
    const widest = Math.max(...walk.panels.map(({ shape: [maps, , columns] }) => maps * (columns + 0.5)));
    this.panels.classList.toggle("roomy", all <= ROOMY && widest <= ABREAST);
    this.panels.replaceChildren(...walk.panels.map((panel, number) => this.figure(panel, number)));
    this.texts = walk.panels.map((panel) => panel.values.map(numeral));
    this.cells = [...this.panels.children].map((figure) => [...figure.querySelectorAll(".cell")]);
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

  draw() {
    const { walk } = this;
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
    return now;
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
}

export default function ({ data, parentElement, setStateValue }) {
  const host = parentElement.querySelector(".stepper");
  host.stepper ??= new Stepper(host);
  host.stepper.send = setStateValue;
  host.stepper.receive(data);
}
