/**
 * A model's answer: text, and code between fences. Nothing in it becomes a link, an image or markup of the page.
 */

/** Text and code in turns; the odd pieces are code. */
function piecesOf(text: string): string[] {
  return text.split(/^```[^\n]*$/m)
}

export function AnswerText({ text }: { text: string }) {
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: a long answer is scrolled by keyboard as well
    <div class="answer name" tabIndex={0}>
      {piecesOf(text).map((piece, at) =>
        at % 2 === 1 ? (
          <pre key={at}>{piece.replace(/^\n|\n$/g, '')}</pre>
        ) : (
          piece.trim() && <span key={at}>{piece.trim()}</span>
        ),
      )}
    </div>
  )
}
