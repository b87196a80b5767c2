// A document to write: text with the keys one expects in it, and what the service has to say about it.
import type { Action } from '../lib/action'
import { ProblemNote } from './basics'

interface Props {
	label: string
	text: string
	onInput: (text: string) => void
	action?: Action
	rows?: number
	readOnly?: boolean
}

export const pretty = (document: unknown): string => JSON.stringify(document, null, 2)

export function DocumentField({ label, text, onInput, action, rows = 22, readOnly }: Props) {
	return (
		<div class="document">
			<label class="field"><span>{label}</span>
				<textarea rows={rows} spellcheck={false} autocomplete="off" autocapitalize="off" readOnly={readOnly ?? false} value={text} onInput={event => onInput(event.currentTarget.value)} />
			</label>
			{action?.problem && <ProblemNote problem={action.problem} />}
		</div>
	)
}

/** Text that is only read: a payload, a document. */
export function Written({ label, text }: { label: string; text: string }) {
	return <pre class="written" tabIndex={0} role="region" aria-label={label}>{text}</pre>
}
