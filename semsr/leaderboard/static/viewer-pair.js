// Two pictures on each other: with a divider between them, by turns, or subtracted.
(function () {
  "use strict";

  const { element, makeStage } = semsr;
  const { button, choose } = semsr.viewerControls;
  const SLOWEST = 2000; // milliseconds
  const FASTEST = 400; // no more than 1.25 flashes a second, well below the three that may cause seizures

  // `actions`: set(changes) to change the state; choices: of the viewer's data; gestures: of the stage.
  function makePair(choices, actions, gestures) {
    const options = choices.map((choice) => [choice.key, choice.label]);
    const first = choose("A", options, (key) => actions.set({ a: key }));
    const second = choose("B", options, (key) => actions.set({ b: key }));
    const stage = makeStage(2, gestures);
    const divider = makeDivider(stage.node, (split) => actions.set({ split }));
    const tags = [element("span", { class: "tag left", "aria-hidden": "true" }), element("span", { class: "tag right", "aria-hidden": "true" })];
    stage.node.append(divider.node, ...tags);
    const blink = makeBlink((upper) => showUpper(upper));
    const difference = makeDifference(actions);
    const node = element("div", { class: "pair", hidden: true },
      element("div", { class: "sides" }, first.node,
        button("⇄", () => actions.swap(), { "aria-label": "Swap A and B", class: "swap" }), second.node, blink.node, difference.node),
      stage.node, difference.legend);
    let labels = ["", ""];

    function showUpper(upper) {
      stage.layers[1].box.classList.toggle("off", !upper);
      tags[0].textContent = upper ? `B: ${labels[1]}` : `A: ${labels[0]}`;
    }

    return {
      node,
      stage,
      blink,
      refresh(state, named) {
        labels = named;
        first.select.value = state.a;
        second.select.value = state.b;
        stage.node.dataset.mode = state.mode;
        stage.node.setAttribute("aria-label", `A: ${named[0]}; B: ${named[1]}`);
        const slider = state.mode === "slider";
        divider.node.hidden = !slider;
        divider.refresh(state.split, named);
        // The upper layer is B; left of the divider one sees A.
        stage.layers[1].box.style.clipPath = slider ? `inset(0 0 0 ${state.split}%)` : "";
        difference.refresh(state, stage.node);
        blink.refresh(state.mode === "blink");
        tags[1].hidden = !slider;
        tags[0].hidden = state.mode === "difference";
        tags[1].textContent = `B: ${named[1]}`;
        if (state.mode === "blink") showUpper(blink.upper());
        else {
          stage.layers[1].box.classList.remove("off");
          tags[0].textContent = `A: ${named[0]}`;
        }
      },
    };
  }

  function makeDivider(stage, onSplit) {
    const node = element("div", { class: "divider", role: "slider", tabindex: "0", "aria-label": "Divider between A and B",
      "aria-valuemin": "0", "aria-valuemax": "100", "aria-orientation": "horizontal" }, element("span", { "aria-hidden": "true" }, "◂ ▸"));
    let split = 50;
    const at = (event) => {
      const box = stage.getBoundingClientRect();
      return Math.min(100, Math.max(0, ((event.clientX - box.left) / box.width) * 100));
    };
    node.addEventListener("pointerdown", (event) => {
      event.stopPropagation();
      node.setPointerCapture(event.pointerId);
      node.focus();
    });
    node.addEventListener("pointermove", (event) => {
      if (!node.hasPointerCapture(event.pointerId)) return;
      event.stopPropagation();
      onSplit(at(event));
    });
    node.addEventListener("dblclick", (event) => event.stopPropagation());
    node.addEventListener("keydown", (event) => {
      const step = event.shiftKey ? 10 : 1;
      const wanted = { ArrowLeft: split - step, ArrowDown: split - step, ArrowRight: split + step, ArrowUp: split + step,
        PageDown: split - 10, PageUp: split + 10, Home: 0, End: 100 }[event.key];
      if (wanted === undefined) return;
      event.preventDefault();
      event.stopPropagation();
      onSplit(Math.min(100, Math.max(0, wanted)));
    });
    return {
      node,
      refresh(now, labels) {
        split = now;
        node.style.left = `${now}%`;
        node.setAttribute("aria-valuenow", String(Math.round(now)));
        node.setAttribute("aria-valuetext", `${Math.round(now)} % ${labels[0]}, ${Math.round(100 - now)} % ${labels[1]}`);
      },
    };
  }

  // By turns: with the space bar, a button, or in time, which a system that asks for less motion never does.
  function makeBlink(onTurn) {
    const less = matchMedia("(prefers-reduced-motion: reduce)");
    let upper = false;
    let timer = null;
    const turn = () => {
      upper = !upper;
      onTurn(upper);
    };
    const box = element("input", { type: "checkbox" });
    const pace = element("input", { type: "range", min: String(FASTEST), max: String(SLOWEST), step: "100", value: "700", "aria-label": "Milliseconds a picture" });
    const why = element("span", { class: "soft" }, "Your system asks for less motion: pictures turn only when you say so.");
    const node = element("div", { class: "blink" },
      button("Turn (space)", turn, { class: "turn" }),
      element("label", {}, box, " by itself, every "), pace, why);

    function start(wanted) {
      clearInterval(timer);
      timer = wanted && !less.matches ? setInterval(turn, Number(pace.value)) : null;
    }

    function restrict() {
      box.disabled = pace.disabled = less.matches;
      if (less.matches) box.checked = false;
      why.hidden = !less.matches;
      start(box.checked);
    }

    box.addEventListener("change", () => start(box.checked));
    pace.addEventListener("input", () => start(box.checked));
    less.addEventListener("change", restrict);
    restrict();
    return {
      node,
      turn,
      upper: () => upper,
      refresh(wanted) {
        node.hidden = !wanted;
        start(wanted && box.checked);
      },
    };
  }

  // |A - B| by blending: pictures of a page opened from a file may be drawn, but their pixels not read.
  function makeDifference(actions) {
    const factors = semsr.viewerState.FACTORS.map((factor) => [String(factor), `× ${factor}`]);
    const factor = choose("Amplified", factors, (value) => actions.set({ factor: Number(value) }));
    const most = element("span");
    const legend = element("div", { class: "legend" }, element("span", {}, "equal"), element("span", { class: "ramp", "aria-hidden": "true" }), most,
      element("p", { class: "soft" }, "Absolute difference of the sRGB values, channel by channel; exact from 100 % on. LR is taken as it is shown, enlarged."));
    return {
      node: factor.node,
      legend,
      refresh(state, stage) {
        const wanted = state.mode === "difference";
        factor.node.hidden = legend.hidden = !wanted;
        factor.select.value = String(state.factor);
        stage.style.setProperty("--amplified", wanted ? `brightness(${state.factor})` : "none");
        const grey = 255 / state.factor;
        most.textContent = `differs by ${Number.isInteger(grey) ? grey : grey.toFixed(1)} of 255 or more`;
      },
    };
  }

  semsr.makePair = makePair;
})();
