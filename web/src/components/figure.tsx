// A titled part of a page with what belongs to every figure: the same as a table, as CSV, and as a request to repeat.
import type { ComponentChildren } from 'preact'
import { useId, useState } from 'preact/hooks'
import { asCurl, download, Problem, type Request } from '../lib/api'
import { classes } from './basics'

interface Props {
	title: ComponentChildren
	/** One sentence: what one sees here. */
	lead?: ComponentChildren
	/** The same figures as a table; a button changes between the two. */
	table?: ComponentChildren
	/** The request behind the figure, as it was sent: for curl. */
	request?: Request | null
	/** The request whose CSV holds these figures, where it is another; false: there is none. Its path names the file. */
	csv?: Request | null | false
	level?: 2 | 3
	class?: string
	children: ComponentChildren
}

export function Figure({ title, lead, table, request, csv = request, level = 2, class: name, children }: Props) {
	const [asTable, setAsTable] = useState(false)
	const id = useId()
	const Heading = `h${level}` as 'h2'
	return (
		<section class={classes('figure', name)} aria-labelledby={id}>
			<header class="figure-head">
				<div>
					<Heading id={id}>{title}</Heading>
					{lead && <p class="lead">{lead}</p>}
				</div>
				<Tools request={request ?? null} csv={csv || null}>
					{table && <button type="button" class="tool" aria-pressed={asTable} onClick={() => setAsTable(!asTable)}>{asTable ? 'Picture' : 'Table'}</button>}
				</Tools>
			</header>
			{asTable ? table : children}
		</section>
	)
}

function Tools({ request, csv, children }: { request: Request | null; csv: Request | null; children: ComponentChildren }) {
	const [said, setSaid] = useState('')
	const say = (text: string) => {
		setSaid(text)
		setTimeout(() => setSaid(''), 2500)
	}
	const copy = (what: Request) => navigator.clipboard.writeText(asCurl(what)).then(() => say('Copied'), () => say('The browser does not let us copy'))
	const save = (what: Request) => download(what, fileName(what)).catch(error => say(error instanceof Problem ? error.detail : 'Failed'))
	return (
		<div class="tools">
			<span class="tools-said" role="status">{said}</span>
			{children}
			{csv && <button type="button" class="tool" onClick={() => save(csv)} title="Download these figures as CSV">CSV</button>}
			{request && <button type="button" class="tool" onClick={() => copy(request)} title="Copy this request as a curl command">curl</button>}
		</div>
	)
}

const fileName = ({ path, query = {} }: Request): string =>
	[path.replace(/^\/v1\//, ''), query.by, query.period].filter(Boolean).join('-').replace(/[^A-Za-z0-9._-]+/g, '-')
