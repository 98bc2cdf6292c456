"use strict";
// The page reads without this: it only adds filtering, and opens a question that a link leads to.
const form = document.getElementById("filter");
const questions = [...document.querySelectorAll(".question")];

function show() {
  const wanted = new FormData(form);
  const words = wanted.get("words").toLowerCase();
  let count = 0;
  for (const question of questions) {
    question.hidden =
      !["type", "status", "outcome"].every((key) => !wanted.get(key) || wanted.get(key) === question.dataset[key]) ||
      !question.textContent.toLowerCase().includes(words);
    count += !question.hidden;
  }
  document.getElementById("count").textContent = `${count} of ${questions.length} questions`;
}

function open() {
  const question = document.getElementById(location.hash.slice(1))?.closest(".question");
  if (!question) return;
  if (question.hidden) form.reset();
  show();
  question.open = true;
  question.scrollIntoView();
}

form.hidden = false;
form.addEventListener("input", show);
form.addEventListener("submit", (event) => event.preventDefault());
window.addEventListener("hashchange", open);
show();
open();
