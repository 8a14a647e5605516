// The component: one FigureOne per host element. Streamlit calls the default export again after every run of the page.

const DARK = 0.5; // grey on which white can be read better than black
const FEW = 3; // arrows that are drawn thick
const SIDES = { up: "Up: the network", down: "Down: the deconvnet, with the same filters and the switches" };
const SVG = "http://www.w3.org/2000/svg";

class FigureOne extends Player {
  constructor(host) {
    super(host);
    this.drawing = this.find(".drawing");
    this.drawing.addEventListener("click", (event) => {
      const panel = event.target.closest(".panel");
      if (panel) this.move(this.walk.steps.findIndex((step) => step.panel === Number(panel.dataset.panel)));
    });
    new ResizeObserver(() => this.walk && this.arrows(this.walk.steps[this.step].links)).observe(this.drawing);
  }

  load({ walk }) {
    this.walk = walk;
    this.most = walk.panels.map((_, number) =>
      Math.max(1, ...walk.steps.filter((step) => step.panel === number).flatMap((step) => step.values.map(Math.abs))),
    );
    const sides = Object.entries(SIDES).map(([side, title]) => element("p", `side ${side}`, title));
    const panels = walk.panels.map((panel, number) => this.panel(panel, number));
    this.kernels = walk.kernels.map((kernel) => this.kernel(kernel));
    const words = walk.between.map(({ side, level, title }) => this.between(side, level, title));
    this.drawing.replaceChildren(...sides, ...panels, ...this.kernels, ...words);
    this.panels = panels;
    this.cells = panels.map((panel) => [...panel.querySelectorAll(".cell")]);
    const stages = walk.stages.map((title, number) => ({
      title,
      start: walk.steps.findIndex((step) => step.stage === number),
    }));
    return { steps: walk.steps.length, stages };
  }

  panel({ title, side, level, shape: [rows, columns] }, number) {
    const figure = element("figure", `panel ${side}${side === "up" && level === 0 ? " pixels" : ""}`);
    figure.setAttribute("role", "img");
    figure.setAttribute("aria-label", `${title}: ${rows} × ${columns}`);
    figure.style.setProperty("--level", level);
    figure.dataset.panel = number;
    figure.append(element("figcaption", "", title), grid(rows * columns, columns));
    return figure;
  }

  between(side, level, title) {
    const box = element("div", `between ${side}`);
    box.style.setProperty("--level", level);
    box.append(element("span", "", title), element("span", "way"));
    return box;
  }

  kernel({ title, side, level, values }) {
    const box = this.between(side, level, title);
    const maps = grid(values.flat().length, values[0].length);
    values.flat().forEach((value, cell) => paint(maps.children[cell], value, 2));
    box.prepend(maps);
    return box;
  }

  draw() {
    const { walk } = this;
    const now = walk.steps[this.step];
    const held = walk.panels.map(({ shape: [rows, columns] }) => new Array(rows * columns).fill(null));
    for (const { panel, cells, values } of walk.steps.slice(0, this.step + 1))
      cells.forEach((cell, i) => (held[panel][cell] = values[i]));
    const whole = now.cells.length === held[now.panel].length;
    walk.panels.forEach((panel, number) => {
      const marks = {
        lit: new Set(number === now.source ? now.read : []),
        written: new Set(number === now.panel && !whole ? now.cells : []),
        dropped: new Set(number === now.source ? now.dropped : []),
      };
      this.cells[number].forEach((box, cell) => {
        paint(box, held[number][cell], this.most[number]);
        for (const [name, cells] of Object.entries(marks)) box.classList.toggle(name, cells.has(cell));
      });
      this.panels[number].classList.toggle("now", number === now.panel);
      const framed = number === now.panel && now.frame.length ? now.frame : number === now.source ? now.read : [];
      this.frame(number, framed.length > 1 ? framed : []);
    });
    this.kernels.forEach((box, number) => box.classList.toggle("now", number === now.kernel));
    this.arrows(now.links);
    return now;
  }

  /** A frame around cells that fill a rectangle. */
  frame(number, cells) {
    const maps = this.panels[number].querySelector(".grid");
    let frame = maps.querySelector(".window");
    const columns = this.walk.panels[number].shape[1];
    const xs = cells.map((cell) => cell % columns), ys = cells.map((cell) => Math.floor(cell / columns));
    const box = { left: Math.min(...xs), top: Math.min(...ys) };
    box.columns = Math.max(...xs) - box.left + 1;
    box.rows = Math.max(...ys) - box.top + 1;
    if (!cells.length || box.columns * box.rows !== cells.length) return frame?.remove();
    if (!frame) maps.append((frame = element("b", "window")));
    for (const [name, value] of Object.entries(box)) frame.style.setProperty(`--${name}`, value);
  }

  /** From cell to cell, across the drawing. */
  arrows(links) {
    this.drawing.querySelector(".links")?.remove();
    if (!links.length) return;
    const zoom = this.drawing.offsetWidth ? this.drawing.getBoundingClientRect().width / this.drawing.offsetWidth : 1;
    const origin = this.drawing.getBoundingClientRect();
    const middle = (panel, cell) => {
      const box = this.cells[panel][cell].getBoundingClientRect();
      const x = (box.x + box.width / 2 - origin.x) / zoom + this.drawing.scrollLeft;
      return [x - this.drawing.clientLeft, (box.y + box.height / 2 - origin.y) / zoom - this.drawing.clientTop];
    };
    const svg = document.createElementNS(SVG, "svg");
    svg.setAttribute("class", links.length <= FEW ? "links few" : "links");
    svg.setAttribute("aria-hidden", "true");
    svg.setAttribute("width", 1);
    svg.setAttribute("height", 1);
    for (const { panel, cell, to, at } of links) {
      const [from, end] = [middle(panel, cell), middle(to, at)];
      const [wide, high] = [end[0] - from[0], end[1] - from[1]];
      const edge = this.cells[to][at].offsetWidth / 2 / Math.hypot(wide, high); // the number stays free
      const [x1, y1, x2, y2] = [from[0] + edge * wide, from[1] + edge * high, end[0] - edge * wide, end[1] - edge * high];
      const line = document.createElementNS(SVG, "line");
      for (const [name, value] of Object.entries({ x1, y1, x2, y2 })) line.setAttribute(name, value);
      const head = document.createElementNS(SVG, "path");
      head.setAttribute("d", "M0 0L-9 -4L-9 4z");
      const turn = (Math.atan2(y2 - y1, x2 - x1) * 180) / Math.PI;
      head.setAttribute("transform", `translate(${x2} ${y2}) rotate(${turn})`);
      svg.append(line, head);
    }
    this.drawing.append(svg);
  }
}

function grid(cells, columns) {
  const made = element("div", "grid");
  made.style.setProperty("--columns", columns);
  for (let i = 0; i < cells; i++) made.append(element("i", "cell"));
  return made;
}

/** A number, or nothing yet, into a cell. */
function paint(box, value, most) {
  const text = value === null ? "" : String(value).replace("-", "−");
  if (box.textContent !== text) box.textContent = text;
  const share = Math.abs(value ?? 0) / most;
  box.style.setProperty("--share", `${Math.round(100 * share)}%`);
  box.classList.toggle("blank", value === null);
  box.classList.toggle("minus", value < 0);
  box.classList.toggle("zero", value === 0);
  box.classList.toggle("dim", share < DARK);
}

export default function ({ data, parentElement, setStateValue }) {
  const host = parentElement.querySelector(".figure-one");
  host.figure ??= new FigureOne(host);
  host.figure.send = setStateValue;
  host.figure.receive(data);
}
