// app/notice.jsx
"use client";

import { useEffect, useState } from "react";

const NOTICES = {
  promoted: "Welcome! Everything you did as a guest is yours.",
  merged: "You are signed in. Your guest cart was added to your own.",
  "signed-in": "You are signed in.",
  cancelled: "Nothing has changed.",
  failed: "That did not work. Try again.",
};

/** Shows once what happened: the callback left it in a cookie. */
export function Notice() {
  const [notice, setNotice] = useState();
  useEffect(() => {
    const name = /(?:^|; )notice=([a-z-]+)/.exec(document.cookie)?.[1];
    if (!name) return;
    document.cookie = "notice=; path=/; max-age=0";
    setNotice(name);
  }, []);
  return <p role="status">{NOTICES[notice]}</p>;
}
