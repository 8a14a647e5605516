// What plays a row of steps: buttons, slider, keys, and the reader's place. A subclass draws: `load(data)` is given what is
// new and answers with the number of steps and their stages, `draw()` shows `this.step` and answers with its stage and words.

const REST_MS = 450; // without movement, after which the page hears of the step
const PLAY = "M7 4v16l13-8z",
  PAUSE = "M6 5h4v14H6zM14 5h4v14h-4z";

class Player {
  constructor(host) {
    this.host = host;
    this.find = (selector) => host.querySelector(selector);
    this.range = this.find("input");
    this.step = 0;
    this.pending = []; // steps that the page was told of and has not shown yet
    this.listen();
  }

  receive({ subject, rev, step, ...data }) {
    const answered = this.pending.indexOf(step); // a slow server may answer late, and several reports at once
    if (subject !== this.subject) this.pending = [];
    else if (answered >= 0) this.pending.splice(0, answered + 1);
    if (subject !== this.subject || (answered < 0 && step !== this.wish)) this.step = this.sent = step;
    Object.assign(this, { subject, wish: step });
    if (rev !== this.rev) {
      this.rev = rev;
      this.stop();
      const { steps, stages } = this.load(data);
      this.last = steps - 1;
      this.range.max = this.last;
      this.chips(stages);
    }
    this.show();
  }

  /** A button for each stage: {title, first step}. */
  chips(stages) {
    const chips = stages.map(({ title, start }, number) => {
      const chip = element("button", "chip", `${number + 1}. ${title}`);
      chip.type = "button";
      chip.addEventListener("click", () => this.move(start));
      return chip;
    });
    const list = this.find(".stages");
    list.hidden = chips.length < 2;
    list.replaceChildren(...chips);
  }

  show() {
    this.step = Math.max(0, Math.min(this.step, this.last));
    const { stage, words } = this.draw();
    this.find(".words").textContent = `${words[0].toUpperCase()}${words.slice(1)}.`;
    this.find(".count").textContent = `${this.step + 1} / ${this.last + 1}`;
    this.range.value = this.step;
    this.range.setAttribute("aria-valuetext", `Step ${this.step + 1} of ${this.last + 1}: ${words}`);
    [...this.find(".stages").children].forEach((chip, number) => {
      if (number === stage) chip.setAttribute("aria-current", "step");
      else chip.removeAttribute("aria-current");
    });
    const ends = { first: this.step === 0, back: this.step === 0 };
    ends.forward = ends.last = this.step === this.last;
    for (const [go, off] of Object.entries(ends)) this.find(`[data-go=${go}]`).setAttribute("aria-disabled", off);
  }

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
    const { last } = this;
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
      last: () => this.move(this.last),
    };
    for (const button of this.host.querySelectorAll("[data-go]"))
      button.addEventListener("click", moves[button.dataset.go]);
    const whole = this.find(".whole");
    whole.hidden = !document.fullscreenEnabled;
    whole.addEventListener("click", () => this.fill());
    this.range.addEventListener("input", () => this.move(Number(this.range.value)));
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

export { Player, element };
