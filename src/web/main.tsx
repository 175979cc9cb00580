import { render } from "preact";
import { useState } from "preact/hooks";
import DOMPurify from "dompurify";
import { marked } from "marked";
function A() { const [x] = useState(1); return <p>{x}{String(marked)}{String(DOMPurify)}</p>; }
render(<A />, document.body);
