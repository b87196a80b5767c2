// What the metrics say of a rep, in the service's own sentences, and what it does not say because the numbers do not bear it.
import { download, Problem } from '../../lib/api'
import { count, words } from '../../lib/format'
import { useDictionary } from '../../lib/dictionary'
import { useState } from 'preact/hooks'

export interface Sentence {
	key: string
	text: string
	metrics: string[]
	n: number | null
	links: string[]
}

export interface BriefAnswer {
	sentences: Sentence[]
	withheld: { key: string; metrics: string[]; reason: 'low_n' | 'no_value' | 'interval'; n: number }[]
}

const WITHHELD = { low_n: 'too few cases', no_value: 'nothing there', interval: 'the interval supports neither' }

/** The page says the period once. */
const asOnThePage = (text: string): string => text.replace(/^From \d{4}-\d\d-\d\d to \d{4}-\d\d-\d\d: /, '')

function Rows({ sentence }: { sentence: Sentence }) {
	const [said, setSaid] = useState('')
	const link = sentence.links[0]
	if (!link) return null
	const [path = '', query = ''] = link.split('?')
	const save = () => download({ path, query: Object.fromEntries(new URLSearchParams(query)) }, `${sentence.key}-rows`.replace(/[^a-z_-]+/g, '-'))
		.catch(error => setSaid(error instanceof Problem ? error.detail : 'Failed'))
	return <><button type="button" class="link" onClick={save}>rows behind it (CSV)</button> <span role="status">{said}</span></>
}

export function Brief({ brief }: { brief: BriefAnswer }) {
	const dictionary = useDictionary()
	const name = (metrics: string[]) => metrics.map(metric => dictionary.get(metric)?.name ?? words(metric)).join(', ')
	return (
		<div class="brief">
			{brief.sentences.length === 0 && <p>The numbers of this period are too small to say anything that holds.</p>}
			<ol>
				{brief.sentences.map(sentence => (
					<li key={sentence.key}>
						<p>{asOnThePage(sentence.text)}</p>
						<p class="brief-terms">{name(sentence.metrics)} · n = {count(sentence.n)} · <Rows sentence={sentence} /></p>
					</li>
				))}
			</ol>
			{brief.withheld.length > 0 && (
				<p class="hint">Left unsaid: {brief.withheld.map(({ key, reason, n }) => `${words(key).replace(/^message:/, 'message ')} (${WITHHELD[reason]}, n = ${count(n)})`).join('; ')}.</p>
			)}
		</div>
	)
}
