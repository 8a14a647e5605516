// The component: one Board per host element. Streamlit calls the default export again after every run of the page, so
// the chosen tokens live here.

const TELL_MS = 350; // without movement, after which the page hears of a token
const SHEER = 0.78; // of the colours on the grey picture

class Board {
  constructor(host) {
    this.host = host;
    this.find = (selector) => host.querySelector(selector);
    this.waiting = { query: [], other: [] }; // tokens that the page was told of and has not shown yet
    this.wished = {};
    this.telling = {};
    for (const which of ["query", "other"]) {
      const board = this.find(`canvas.${which}`);
      board.addEventListener("pointerdown", (event) => this.pick(which, event));
      board.addEventListener("pointermove", (event) => event.buttons && this.pick(which, event));
      board.addEventListener("keydown", (event) => this.walk(which, event));
    }
    this.find(".class-token").addEventListener("click", () => this.choose("query", "class"));
    new ResizeObserver(() => this.draw()).observe(host);
  }

  receive({ sheet, query, other }) {
    for (const [which, word] of Object.entries({ query, other })) {
      const answered = this.waiting[which].indexOf(word);
      if (answered >= 0) this.waiting[which].splice(0, answered + 1);
      if (this[which] === undefined || (answered < 0 && word !== this.wished[which])) this[which] = word;
      this.wished[which] = word;
    }
    if (sheet.rev !== this.sheet?.rev) {
      this.weights = unpacked(sheet);
      if (sheet.photo !== this.sheet?.photo) {
        this.photo = null;
        const photo = new Image();
        photo.onload = () => {
          this.photo = photo;
          this.draw();
        };
        photo.src = sheet.photo;
      }
    }
    this.sheet = sheet;
    for (const which of ["query", "other"]) if (tokenOf(this[which], sheet) === null || (this[which] === "class" && !(which === "query" && sheet.hasClass))) this[which] = "0,0";
    this.draw();
  }

  // the tokens

  pick(which, event) {
    const { height, width } = this.sheet;
    const box = event.currentTarget.getBoundingClientRect();
    const y = Math.floor(((event.clientY - box.top) / box.height) * height), x = Math.floor(((event.clientX - box.left) / box.width) * width);
    if (y >= 0 && x >= 0 && y < height && x < width) this.choose(which, `${y},${x}`);
  }

  walk(which, event) {
    const way = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] }[event.key];
    if (!way || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    const { height, width } = this.sheet;
    const [y, x] = this[which] === "class" ? [0, 0] : this[which].split(",").map(Number);
    const clamp = (value, most) => Math.max(0, Math.min(value, most - 1));
    this.choose(which, `${clamp(y + way[0], height)},${clamp(x + way[1], width)}`);
  }

  choose(which, word) {
    if (word === this[which]) return;
    this[which] = word;
    this.draw();
    clearTimeout(this.telling[which]);
    this.telling[which] = setTimeout(() => {
      this.waiting[which].push(word);
      this.send(which, word);
    }, TELL_MS);
  }

  // drawing

  draw() {
    if (!this.sheet) return;
    const { sheet } = this;
    const query = tokenOf(this.query, sheet), other = tokenOf(this.other, sheet);
    const row = rowOf(sheet, this.weights, query);
    this.host.dataset.drawn = sheet.rev; // whose weights these are
    const style = getComputedStyle(this.host);
    this.colour = (name) => style.getPropertyValue(`--${name}`).trim();
    this.left(query, row);
    this.right(query, other, row);
    const button = this.find(".class-token");
    button.hidden = !sheet.hasClass;
    button.setAttribute("aria-pressed", query === "class");
    this.find(".scale i").style.background = `linear-gradient(to right, ${sheet.scale.join(", ")})`;
    this.find(".most").textContent = `${percent(row.most)}, its largest weight for a ${sheet.hasClass ? "patch" : "place"}`;
  }

  left(query, row) {
    const { sheet } = this;
    const board = this.find("canvas.query");
    const { pen, cell } = canvas(board, sheet.height, sheet.width);
    if (this.photo) pen.drawImage(this.photo, 0, 0, cell * sheet.width, cell * sheet.height);
    if (cell >= 7) {
      pen.strokeStyle = "#fff";
      pen.globalAlpha = 0.35;
      pen.lineWidth = 1;
      cross(pen, cell, sheet.height, sheet.width, 1);
      pen.globalAlpha = 1;
    }
    if (query !== "class") ring(pen, (query % sheet.width) * cell, Math.floor(query / sheet.width) * cell, cell, this.colour("mark"));
    const count = row.weights.filter((weight) => weight >= 0).length;
    const words = query === "class" ? `The class token, which is no place of the picture, attends to all ${count} patches, and by ${percent(row.rest)} to itself, which the colours leave out.` : `The token at row ${this.query.replace(",", ", column ")} attends to ${count} of ${row.weights.length} tokens.`;
    this.find(".asks").textContent = words;
    board.setAttribute("aria-label", `Choose who asks; the arrow keys move. ${words}`);
  }

  right(query, other, row) {
    const { sheet } = this;
    const board = this.find("canvas.other");
    const { pen, cell } = canvas(board, sheet.height, sheet.width);
    if (this.photo) {
      pen.filter = "grayscale(1)";
      pen.drawImage(this.photo, 0, 0, cell * sheet.width, cell * sheet.height);
      pen.filter = "none";
    }
    row.weights.forEach((weight, at) => {
      const away = weight < 0;
      pen.globalAlpha = away ? 0.9 : SHEER;
      pen.fillStyle = away ? "#7d8894" : shade(sheet.scale, row.most ? weight / row.most : 0);
      pen.fillRect(...square(Math.floor(at / sheet.width), at % sheet.width, cell));
    });
    pen.globalAlpha = 1;
    if (query !== "class") ring(pen, (query % sheet.width) * cell, Math.floor(query / sheet.width) * cell, cell, this.colour("mark"));
    if (other !== query) ring(pen, (other % sheet.width) * cell, Math.floor(other / sheet.width) * cell, cell, this.colour("other"));
    const weight = row.weights[other], [y, x] = this.other.split(",");
    const count = row.weights.filter((each) => each >= 0).length + (sheet.hasClass ? 1 : 0);
    const left = sheet.hasClass && query !== "class" ? ` ${percent(row.rest)} goes to the class token.` : "";
    const words = weight < 0 ? `Row ${y}, column ${x} is in another window: the two do not meet in this block.` : `To row ${y}, column ${x}: ${percent(weight)}; equal shares would be ${percent(1 / count)}.${left}`;
    this.find(".says").textContent = words;
    board.setAttribute("aria-label", `Choose who is asked; the arrow keys move. ${words}`);
  }
}

export default function ({ data, parentElement, setStateValue }) {
  const host = parentElement.querySelector(".attention");
  host.board ??= new Board(host);
  host.board.send = setStateValue;
  host.board.receive(data);
}
