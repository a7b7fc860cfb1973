// The viewer's controls: the bar of buttons, the list of images, the help. They call `actions` and are refreshed from the state.
(function () {
  "use strict";

  const { element } = semsr;
  const NAMES = { grid: "Side by side", slider: "Slider", blink: "Blink", difference: "Difference" };
  const KEYS = [
    ["+ and −", "zoom in and out"],
    ["0", "whole picture"],
    ["1", "one pixel of the picture on one of the screen"],
    ["arrow keys", "move; on the divider of the slider: move the divider"],
    ["N and P", "next and previous image"],
    ["G, S, B, D", "side by side, slider, blink, difference"],
    ["space", "in blink: the other picture"],
    ["?", "this help"],
    ["wheel, pinch, drag", "zoom and move"],
    ["double click", "zoom in there; again: whole picture"],
  ];

  function button(text, action, attributes) {
    const made = element("button", { type: "button", ...attributes }, text);
    made.addEventListener("click", action);
    return made;
  }

  function choose(label, options, action) {
    const id = `viewer-${label.toLowerCase()}`;
    const select = element("select", { id }, ...options.map(([value, text]) => element("option", { value }, text)));
    select.addEventListener("change", () => action(select.value));
    return { node: element("span", { class: "choose" }, element("label", { for: id }, label), select), select };
  }

  function makeBar(actions) {
    const modes = semsr.viewerState.MODES.map((mode) => [mode, button(NAMES[mode], () => actions.mode(mode), { "data-mode": mode })]);
    const level = element("output", { class: "level" });
    const copied = element("span", { class: "copied", role: "status" });
    const link = element("input", { type: "text", readonly: "", class: "link", "aria-label": "Link to this view", hidden: true });
    const copy = button("Copy link", async () => {
      const done = await actions.copy();
      copied.textContent = done ? "Copied" : "Copy it from here:";
      link.hidden = done;
      if (!done) {
        link.value = location.href;
        link.select();
      }
      setTimeout(() => { if (done) copied.textContent = ""; }, 2500);
    }, { class: "copy" });
    const help = makeHelp();
    const node = element("div", { class: "viewer-bar" },
      element("div", { class: "buttons", role: "group", "aria-label": "How pictures are compared" }, ...modes.map(([, made]) => made)),
      element("div", { class: "buttons", role: "group", "aria-label": "Zoom" },
        button("−", () => actions.zoom(1 / 1.5), { "aria-label": "Zoom out", class: "out" }), level,
        button("+", () => actions.zoom(1.5), { "aria-label": "Zoom in", class: "in" }),
        button("Fit", () => actions.fit(), { class: "fit", title: "The whole picture" }),
        button("1:1", () => actions.one(), { class: "one", title: "One pixel of the picture on one of the screen" })),
      element("div", { class: "buttons" }, copy, button("Keys", () => help.showModal(), { "aria-haspopup": "dialog", class: "keys" })),
      copied, link, help);
    return {
      node,
      help,
      refresh(state, zoom) {
        for (const [mode, made] of modes) made.setAttribute("aria-pressed", String(mode === state.mode));
        level.textContent = `${Math.round(zoom * devicePixelRatio * 100)} %`;
        link.hidden = true;
      },
    };
  }

  function makeHelp() {
    const rows = KEYS.map(([key, what]) => element("div", {}, element("dt", {}, element("kbd", {}, key)), element("dd", {}, what)));
    const dialog = element("dialog", { class: "help", "aria-labelledby": "viewer-help" },
      element("h2", { id: "viewer-help" }, "Keys"),
      element("p", {}, "They work while the focus is in the viewer."),
      element("dl", {}, ...rows));
    dialog.append(button("Close", () => dialog.close()));
    return dialog;
  }

  // The list of images with a field to search in it; pictures in it are LR, loaded as they come into sight.
  function makeImages(data, actions) {
    const search = element("input", { type: "search", placeholder: "Find an image", "aria-label": "Find an image", autocomplete: "off" });
    const count = element("p", { class: "hidden-text", role: "status" });
    const folder = data.choices.find((choice) => choice.key === "lr").folder;
    const entries = data.images.map((image, number) => {
      const thumbnail = element("img", { src: `${data.folder}/${folder}/${image.file}.png`, alt: "", loading: "lazy", width: 40, height: 40 });
      const made = button("", () => actions.image(number));
      made.append(thumbnail, element("span", {}, image.name));
      return element("li", {}, made);
    });
    search.addEventListener("input", () => {
      const wanted = search.value.trim().toLowerCase();
      let left = 0;
      entries.forEach((entry, number) => {
        entry.hidden = !data.images[number].name.toLowerCase().includes(wanted);
        left += entry.hidden ? 0 : 1;
      });
      count.textContent = `${left} of ${entries.length} images`;
    });
    const place = element("p", { class: "place" });
    const list = element("ul", {}, ...entries);
    const node = element("nav", { class: "images", "aria-label": "Images" },
      element("div", { class: "step" },
        button("‹", () => actions.step(-1), { "aria-label": "Previous image", class: "previous" }), place,
        button("›", () => actions.step(1), { "aria-label": "Next image", class: "next" })),
      search, count, list);
    return {
      node,
      refresh(state) {
        const image = data.images[state.image];
        place.textContent = `${state.image + 1} of ${entries.length}`;
        entries.forEach((entry, number) => {
          const made = entry.firstElementChild;
          if (number === state.image) made.setAttribute("aria-current", "true");
          else made.removeAttribute("aria-current");
        });
        reveal(list, entries[state.image]);
        document.title = document.title.replace(/^(.* – )?/, `${image.name} – `);
      },
    };
  }

  // Scroll the list, and never the page.
  function reveal(list, entry) {
    const box = entry.getBoundingClientRect();
    const frame = list.getBoundingClientRect();
    if (box.top < frame.top || box.bottom > frame.bottom) list.scrollTop += box.top - frame.top - frame.height / 3;
    if (box.left < frame.left || box.right > frame.right) list.scrollLeft += box.left - frame.left - frame.width / 3;
  }

  semsr.viewerControls = { button, choose, makeBar, makeImages };
})();
