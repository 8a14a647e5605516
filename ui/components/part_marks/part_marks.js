// The component: one PartMarks per host element. Streamlit calls the default export again after every run of the page,
// so the marks live here while a reader moves them.

const REST_MS = 400; // without movement, after which the page hears of the marks
const WHOLE = 1000; // marks are in thousandths of a picture
const STEPS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

class PartMarks {
  constructor(host) {
    this.host = host;
    this.pending = []; // marks that the page was told of and has not shown yet
    host.addEventListener("pointerdown", (event) => {
      const mark = event.target.closest(".mark");
      if (!mark || event.button > 0) return;
      mark.setPointerCapture(event.pointerId);
      const box = mark.parentElement.getBoundingClientRect(), [x, y] = this.at(mark);
      this.grip = [(event.clientX - box.left) / box.width - x / WHOLE, (event.clientY - box.top) / box.height - y / WHOLE];
      mark.focus();
      event.preventDefault();
    });
    host.addEventListener("pointermove", (event) => {
      const mark = event.target.closest(".mark");
      if (!mark?.hasPointerCapture(event.pointerId)) return;
      const box = mark.parentElement.getBoundingClientRect();
      this.move(mark, WHOLE * ((event.clientX - box.left) / box.width - this.grip[0]), WHOLE * ((event.clientY - box.top) / box.height - this.grip[1]));
    });
    host.addEventListener("keydown", (event) => {
      const mark = event.target.closest(".mark"), step = STEPS[event.key];
      if (!mark || !step) return;
      const [x, y] = this.at(mark), far = event.shiftKey ? 50 : 10;
      this.move(mark, x + far * step[0], y + far * step[1]);
      event.preventDefault();
    });
  }

  receive(data) {
    const wish = JSON.stringify(data.marks);
    const answered = this.pending.indexOf(wish); // a slow server may answer late, and several reports at once
    if (answered >= 0) this.pending.splice(0, answered + 1);
    else if (wish !== this.wish) this.marks = JSON.parse(wish);
    this.wish = wish;
    this.data = data;
    const looks = JSON.stringify([data.pictures, data.parts]);
    if (looks !== this.looks) this.build();
    this.looks = looks;
    for (const mark of this.host.querySelectorAll(".mark")) this.put(mark);
  }

  build() {
    const { pictures, parts } = this.data;
    this.host.querySelector(".legend").replaceChildren(
      ...parts.map((part) => {
        const entry = element("span"), letter = element("b", "", part.letter);
        Object.assign(letter.style, { background: part.colour, color: part.ink });
        entry.append(letter, part.name);
        return entry;
      }),
    );
    this.host.querySelector(".pictures").replaceChildren(
      ...pictures.map((picture, at) => {
        const figure = element("figure"), view = element("div", "view");
        view.append(Object.assign(element("img"), { src: picture.src, alt: picture.title, draggable: false }));
        parts.forEach((part, number) => {
          const mark = Object.assign(element("button", "mark"), { type: "button" });
          Object.assign(mark.dataset, { picture: at, part: number });
          mark.style.setProperty("--colour", part.colour);
          mark.style.setProperty("--letter", part.ink);
          mark.append(element("i", "", part.letter));
          view.append(mark);
        });
        figure.append(view, element("figcaption", "", picture.title));
        return figure;
      }),
    );
  }

  at(mark) {
    return this.marks[mark.dataset.picture][mark.dataset.part];
  }

  /** A square stays inside of its picture. */
  move(mark, ...point) {
    const half = (WHOLE * this.data.side) / 2;
    this.marks[mark.dataset.picture][mark.dataset.part] = point.map((each) => Math.round(Math.min(Math.max(each, half), WHOLE - half)));
    this.put(mark);
    clearTimeout(this.resting);
    this.resting = setTimeout(() => this.tell(), REST_MS);
  }

  put(mark) {
    const { side, parts, pictures } = this.data, [x, y] = this.at(mark);
    const share = (part) => `${100 * part}%`;
    const start = (middle) => Math.min(Math.max(middle / WHOLE - side / 2, 0), 1 - side);
    Object.assign(mark.style, { left: share(start(x)), top: share(start(y)), width: share(side), height: share(side) });
    const where = `${parts[mark.dataset.part].name} on ${pictures[mark.dataset.picture].title}: ${Math.round(x / 10)} % across, ${Math.round(y / 10)} % down. Arrow keys move it.`;
    if (mark.ariaLabel !== where) mark.ariaLabel = where;
  }

  tell() {
    const now = JSON.stringify(this.marks);
    if (now === (this.pending.at(-1) ?? this.wish)) return;
    this.pending.push(now);
    this.send("marks", JSON.parse(now));
  }
}

function element(tag, className = "", text = "") {
  return Object.assign(document.createElement(tag), { className, textContent: text });
}

export default function ({ data, parentElement, setStateValue }) {
  const host = parentElement.querySelector(".part-marks");
  host.marking ??= new PartMarks(host);
  host.marking.send = setStateValue;
  host.marking.receive(data);
}
