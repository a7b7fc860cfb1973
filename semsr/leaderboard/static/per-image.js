// Values of single images: a file says what there is, and each column has a file of its own, which is loaded when it is needed.
(function () {
  "use strict";

  // What there is: {images, rows, columns, imageAt, rowAt}; the last two give a place by image and by row key.
  async function loadImages(reference) {
    await semsr.load(reference.src);
    const found = semsr.get(reference.key);
    return {
      ...found,
      imageAt: new Map(found.images.map((name, number) => [name, number])),
      rowAt: new Map(found.rows.map((row, number) => [row.key, number])),
    };
  }

  // Values of a column: rows, in them images; null where there is none.
  async function loadColumn(column) {
    await semsr.load(column.values.src);
    return semsr.get(column.values.key);
  }

  semsr.perImage = { loadImages, loadColumn };
})();
