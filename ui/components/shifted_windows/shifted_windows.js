// The component: one Windows per host element. Streamlit calls the default export again after every run of the page, so
// the chosen token lives here.

const TELL_MS = 350; // without movement, after which the page hears of the token
const LETTERED = 20; // px: the least side of a cell that has a number
const STRIPS = ["stays", "B: from the top", "C: from the left", "A: the corner"];

class Windows extends Player {
  constructor(host) {
    super(host);
    this.waiting = []; // tokens that the page was told of and has not shown yet
    this.map = this.find("canvas.map");
    this.map.addEventListener("pointerdown", (event) => this.pick(event));
    this.map.addEventListener("pointermove", (event) => event.buttons && this.pick(event));
    this.map.addEventListener("keydown", (event) => this.walk(event));
    new ResizeObserver(() => this.layout && this.draw()).observe(this.find(".boards"));
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.layout && this.draw());
  }

  receive(data) {
    const wish = data.token.join();
    const answered = this.waiting.indexOf(wish);
    if (answered >= 0) this.waiting.splice(0, answered + 1);
    if (!this.token || (answered < 0 && wish !== this.wished)) this.token = [...data.token];
    this.wished = wish;
    this.inside(data.layout);
    super.receive(data);
  }

  load({ layout }) {
    this.layout = layout;
    this.steps = stepsOf(layout);
    this.photo = null;
    if (layout.photo) {
      const photo = new Image();
      photo.onload = () => {
        this.photo = photo;
        this.draw();
      };
      photo.src = layout.photo;
    }
    const stages = this.steps.flatMap(({ stage }, start) => (stage === this.steps[start - 1]?.stage ? [] : [{ title: stage, start }]));
    this.titles = stages.map(({ title }) => title);
    this.legend();
    return { steps: this.steps.length, stages };
  }

  inside({ height, width }) {
    this.token = [Math.min(this.token[0], height - 1), Math.min(this.token[1], width - 1)];
  }

  legend() {
    const { up, left } = this.layout;
    const used = [0, up && 1, left && 2, up && left && 3].filter((kind, at) => !at || kind);
    this.find(".strips").replaceChildren(...(used.length > 1 ? used.slice(1).map((kind) => swatch(`var(--strip-${kind})`, STRIPS[kind])) : []));
  }

  number() {
    return this.token[0] * this.layout.width + this.token[1];
  }

  // the token

  pick(event) {
    const { rows, columns, width } = this.layout;
    const box = this.map.getBoundingClientRect();
    const i = Math.floor(((event.clientY - box.top) / box.height) * rows), j = Math.floor(((event.clientX - box.left) / box.width) * columns);
    if (i < 0 || j < 0 || i >= rows || j >= columns) return;
    const token = standing(this.layout, this.steps[this.step].rolled, i, j);
    if (token >= 0) this.choose([Math.floor(token / width), token % width]);
  }

  walk(event) {
    const ways = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] };
    const way = ways[event.key];
    if (!way || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    event.stopPropagation(); // elsewhere the arrows play the steps
    const { height, width } = this.layout;
    const clamp = (value, most) => Math.max(0, Math.min(value, most - 1));
    this.choose([clamp(this.token[0] + way[0], height), clamp(this.token[1] + way[1], width)]);
  }

  choose(token) {
    if (token.join() === this.token.join()) return;
    this.token = token;
    this.draw();
    clearTimeout(this.telling);
    this.telling = setTimeout(() => {
      this.waiting.push(token.join());
      this.send("token", token);
    }, TELL_MS);
  }

  // drawing

  draw() {
    const now = this.steps[this.step];
    const style = getComputedStyle(this.host);
    this.colour = (name) => style.getPropertyValue(`--${name}`).trim();
    this.paper = style.getPropertyValue("--st-background-color").trim() || "#fff";
    this.ink = style.getPropertyValue("--st-text-color").trim() || "#1a1a1a";
    const token = this.number();
    const groups = this.layout.groups;
    const circle = partners(groups, token);
    const back = now.stage === "Shift back" && now.rolled === 0;
    const last = this.step === this.steps.length - 1;
    this.board(now, token, circle, back);
    this.maskOf(token);
    this.allWindows(token);
    this.heardOf(token);
    const [y, x] = this.token;
    const words = `Row ${y}, column ${x}: ${circle.size} partner${circle.size > 1 ? "s" : ""}, itself included, of ${this.layout.window ** 2} in a whole window.`;
    this.find(".says").textContent = words;
    this.map.setAttribute("aria-label", `The map of ${this.layout.height} × ${this.layout.width} tokens. Arrow keys move the chosen token. ${words}`);
    return { stage: this.titles.indexOf(now.stage), words: last && !this.layout.up && !this.layout.left ? `${now.words}. This block does not shift` : now.words };
  }

  board(now, token, circle, back) {
    const { layout } = this;
    const { rows, columns, window: side, regions, width } = layout;
    const { pen, cell } = canvas(this.map, rows, columns);
    const pale = now.stage === "Attend" || now.stage === "Shift back";
    for (let i = 0; i < rows; i++)
      for (let j = 0; j < columns; j++) {
        const here = standing(layout, now.rolled, i, j);
        const at = square(i, j, cell);
        pen.fillStyle = this.paper;
        pen.fillRect(...at);
        if (here < 0) {
          hatch(pen, at, this.ink);
          continue;
        }
        if (this.photo) {
          const part = this.photo.width / width, y = Math.floor(here / width), x = here % width;
          pen.drawImage(this.photo, x * part, (y * this.photo.height) / layout.height, part, this.photo.height / layout.height, ...at);
        }
        const kind = strip(layout, here);
        if (kind) {
          pen.globalAlpha = this.photo ? 0.5 : 0.55;
          pen.fillStyle = this.colour(`strip-${kind}`);
          pen.fillRect(...at);
          pen.globalAlpha = 1;
        }
        if (pale && circle.has(here) && !this.photo) {
          pen.globalAlpha = 0.35;
          pen.fillStyle = this.colour("near");
          pen.fillRect(...at);
          pen.globalAlpha = 1;
        }
        if (pale && !circle.has(here)) {
          pen.globalAlpha = 0.78;
          pen.fillStyle = this.paper;
          pen.fillRect(...at);
          pen.globalAlpha = 1;
        }
        if (cell >= LETTERED) {
          const text = now.stage === "Regions" || now.stage === "Mask" ? regions[i * columns + j] : here;
          this.letter(pen, text, at, cell, now.stage === "Regions" || now.stage === "Mask");
        } else if (now.stage === "Regions" || now.stage === "Mask") {
          pen.globalAlpha = 0.25;
          pen.fillStyle = this.colour(["near", "strip-1", "strip-2", "strip-3", "mark"][regions[i * columns + j] % 5]);
          if (regions[i * columns + j]) pen.fillRect(...at);
          pen.globalAlpha = 1;
        }
      }
    this.lines(pen, cell, now, back, side);
    const [row, column] = placed(layout, now.rolled, token);
    ring(pen, column * cell, row * cell, cell, this.colour("mark"));
  }

  letter(pen, text, [left, top], cell, bold) {
    pen.font = `${bold ? 600 : 400} ${Math.min(0.42 * cell, 18)}px ${getComputedStyle(this.host).fontFamily}`;
    pen.textAlign = "center";
    pen.textBaseline = "middle";
    if (this.photo) {
      pen.lineWidth = 3;
      pen.strokeStyle = this.paper;
      pen.strokeText(text, left + cell / 2, top + cell / 2);
    }
    pen.fillStyle = this.ink;
    pen.fillText(text, left + cell / 2, top + cell / 2);
  }

  /** Thin lines between tokens, thick ones between windows; back in the picture, between groups. */
  lines(pen, cell, now, back, side) {
    const { rows, columns, groups, width, height } = this.layout;
    pen.strokeStyle = this.ink;
    if (cell >= 8) {
      pen.globalAlpha = 0.18;
      pen.lineWidth = 1;
      cross(pen, cell, rows, columns, 1);
      pen.globalAlpha = 1;
    }
    pen.lineWidth = cell >= LETTERED ? 3 : 1.5;
    if (!back) return cross(pen, cell, rows, columns, side);
    pen.beginPath();
    for (let y = 0; y < height; y++)
      for (let x = 0; x < width; x++) {
        const group = groups[y * width + x];
        if (x + 1 < width && groups[y * width + x + 1] !== group) line(pen, (x + 1) * cell, y * cell, (x + 1) * cell, (y + 1) * cell);
        if (y + 1 < height && groups[(y + 1) * width + x] !== group) line(pen, x * cell, (y + 1) * cell, (x + 1) * cell, (y + 1) * cell);
      }
    pen.stroke();
    pen.strokeRect(1, 1, columns * cell - 2, rows * cell - 2);
  }

  maskOf(token) {
    const { layout } = this;
    const far = Math.max(layout.up, layout.left);
    const [i, j] = placed(layout, far, token);
    const numbers = windowOf(layout, i, j), count = numbers.length;
    const own = (i % layout.window) * layout.window + (j % layout.window);
    const board = this.find("canvas.mask");
    const { pen, cell } = canvas(board, count, count);
    for (let a = 0; a < count; a++)
      for (let b = 0; b < count; b++) {
        const open = !layout.masked || numbers[a] === numbers[b];
        pen.fillStyle = open ? this.colour("near") : this.paper;
        pen.globalAlpha = open ? (a === own ? 1 : 0.45) : 1;
        pen.fillRect(...square(a, b, cell));
      }
    pen.globalAlpha = 1;
    pen.strokeStyle = this.colour("mark");
    pen.lineWidth = 2;
    pen.strokeRect(1, own * cell, count * cell - 2, cell);
    pen.strokeStyle = this.ink;
    pen.lineWidth = 1;
    pen.strokeRect(0.5, 0.5, count * cell - 1, count * cell - 1);
    const share = layout.masked ? apart(numbers) : 0;
    const words = `${count} × ${count} pairs: blue 0, blank −100. ${percent(share)} of the pairs are kept apart.`;
    this.find(".mask-note").textContent = words;
    board.setAttribute("aria-label", `The mask of the token's window. ${words}`);
  }

  allWindows(token) {
    const { layout } = this;
    const { rows, columns, window: side } = layout;
    const down = rows / side, across = columns / side;
    const board = this.find("canvas.all");
    const { pen, cell } = canvas(board, down, across);
    let closed = 0;
    for (let a = 0; a < down; a++)
      for (let b = 0; b < across; b++) {
        const share = layout.masked ? apart(windowOf(layout, a * side, b * side)) : 0;
        closed += share;
        pen.fillStyle = this.colour("near");
        pen.globalAlpha = 0.1 + 0.9 * share;
        pen.fillRect(b * cell, a * cell, cell, cell);
        pen.globalAlpha = 1;
        if (cell >= 34) {
          pen.font = `600 13px ${getComputedStyle(this.host).fontFamily}`;
          pen.textAlign = "center";
          pen.textBaseline = "middle";
          pen.fillStyle = share > 0.4 ? "#fff" : this.ink;
          pen.fillText(percent(share), (b + 0.5) * cell, (a + 0.5) * cell);
        }
      }
    pen.strokeStyle = this.ink;
    pen.lineWidth = 1.5;
    cross(pen, cell, down, across, 1);
    const [i, j] = placed(layout, Math.max(layout.up, layout.left), token);
    ring(pen, Math.floor(j / side) * cell, Math.floor(i / side) * cell, cell, this.colour("mark"));
    const words = `${down * across} windows; ${percent(closed / (down * across))} of all pairs are kept apart.`;
    this.find(".all-note").textContent = words;
    board.setAttribute("aria-label", `The share of pairs that each window keeps apart. ${words}`);
  }

  heardOf(token) {
    const { layout } = this;
    const { height, width, still, groups } = layout;
    const after = heard([still, groups, still, groups], token);
    const board = this.find("canvas.heard");
    const { pen, cell } = canvas(board, height, width);
    const shades = [1, 0.85, 0.55, 0.35, 0.18];
    after.forEach((blocks, each) => {
      pen.fillStyle = blocks === 0 ? this.colour("mark") : this.colour("near");
      pen.globalAlpha = blocks < 0 ? 0 : shades[blocks];
      pen.fillRect(...square(Math.floor(each / width), each % width, cell));
    });
    pen.globalAlpha = 1;
    pen.strokeStyle = this.ink;
    pen.lineWidth = 1;
    pen.strokeRect(0.5, 0.5, width * cell - 1, height * cell - 1);
    const counts = [1, 2, 3, 4].map((n) => after.filter((blocks) => blocks >= 0 && blocks <= n).length);
    const items = [1, 2, 4].map((n) => {
      const item = swatch("var(--near)", `${n} block${n > 1 ? "s" : ""}: ${counts[n - 1]}`);
      item.querySelector("b").style.opacity = shades[n];
      return item;
    });
    this.find(".blocks").replaceChildren(...items);
    board.setAttribute("aria-label", `Of ${after.length} tokens it has heard of ${counts.join(", ")} after 1, 2, 3 and 4 blocks`);
  }
}

function hatch(pen, [left, top, wide, high], ink) {
  pen.globalAlpha = 0.12;
  pen.fillStyle = ink;
  pen.fillRect(left, top, wide, high);
  pen.globalAlpha = 1;
}

export default function ({ data, parentElement, setStateValue }) {
  const host = parentElement.querySelector(".windows");
  host.windows ??= new Windows(host);
  host.windows.send = setStateValue;
  host.windows.receive(data);
}
