// The little that pages cannot do by themselves.
"use strict";

// Asks before what cannot be taken back.
document.addEventListener("submit", (event) => {
  const question = event.target.dataset.confirm;
  if (question && !window.confirm(question)) event.preventDefault();
});

// Filters of lists work at once; without a script their button does it.
for (const select of document.querySelectorAll("form.search select")) {
  select.addEventListener("change", () => select.form.requestSubmit());
}

// A page of work that goes on loads itself again.
const waiting = document.querySelector("[data-reload-seconds]");
if (waiting) {
  window.setTimeout(() => location.reload(), Number(waiting.dataset.reloadSeconds) * 1000);
}

// What can be copied has a button for it.
for (const button of document.querySelectorAll("button[data-copy]")) {
  button.addEventListener("click", async () => {
    const from = document.getElementById(button.dataset.copy);
    from.select();
    await navigator.clipboard.writeText(from.value);
    button.textContent = button.dataset.done;
  });
}

// A file can be dropped on the whole of its field.
for (const zone of document.querySelectorAll("[data-drop]")) {
  const input = zone.querySelector("input[type=file]");
  const mark = (isOver) => zone.classList.toggle("over", isOver);
  zone.addEventListener("dragover", (event) => {
    event.preventDefault();
    mark(true);
  });
  zone.addEventListener("dragleave", () => mark(false));
  zone.addEventListener("drop", (event) => {
    event.preventDefault();
    mark(false);
    input.files = event.dataTransfer.files;
    input.dispatchEvent(new Event("change", { bubbles: true }));
  });
}

for (const button of document.querySelectorAll("button[data-print]")) {
  button.addEventListener("click", () => window.print());
}
