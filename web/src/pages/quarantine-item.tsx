// One item in quarantine: what came, what is wrong with it, and the two ways out.
import { useState } from 'preact/hooks'
import { Answered, PageLink, ProblemNote } from '../components/basics'
import { Written } from '../components/document'
import { Figure } from '../components/figure'
import { PageHead } from '../components/page-head'
import { Outcomes, type Outcome } from '../components/source/outcomes'
import { Facts } from '../components/verdict'
import { useAction } from '../lib/action'
import { useAnswer } from '../lib/answers'
import { ask } from '../lib/api'
import { ago, NONE, words } from '../lib/format'
import type { PageProps } from '../pages'
import type { QuarantineItem } from './quarantine'

interface Item extends QuarantineItem {
	payload: string
	encoding: string
	headers: Record<string, unknown>
	event_id: string | null
	received_at: string
}

/** JSON is laid out to be read; anything else stands as it came. */
function laidOut(payload: string): string {
	try {
		return JSON.stringify(JSON.parse(payload), null, 2)
	} catch {
		return payload
	}
}

export default function QuarantineItemPage({ params }: PageProps) {
	const path = `/v1/quarantine/${encodeURIComponent(params['id']!)}`
	const answer = useAnswer<Item>({ path })
	const { busy, problem, run } = useAction()
	const [outcomes, setOutcomes] = useState<Outcome[] | null>(null)
	const replay = () => run(async () => {
		const said = await ask<{ items: Outcome[] }>({ path: `${path}/replay`, method: 'POST' })
		setOutcomes(said.items)
		answer.refresh()
	})
	const discard = () => run(async () => {
		await ask({ path: `${path}/discard`, method: 'POST' })
		answer.refresh()
	})
	return (
		<Answered answer={answer} what="Fetching the item">
			{item => (
				<>
					<PageHead crumb={<PageLink to="/quarantine">Quarantine</PageLink>} title={words(item.reason)} lead={<>{item.message} {item.pointer && <>At <code>{item.pointer}</code>.</>}</>} />
					<div class="stack">
						<Figure title="What is known" request={answer.request} csv={false}>
							<Facts facts={[
								['Source', <PageLink to={`/sources/${encodeURIComponent(item.source)}`}>{item.source}</PageLink>],
								['State', item.status === 'open' ? 'waiting' : item.status],
								['Object', item.kind ? `${item.kind} ${item.object_id ?? ''}` : NONE],
								['Event', item.event_id ?? NONE],
								['Came', `${ago(Date.parse(item.received_at))}${item.times > 1 ? `, ${item.times} times` : ''}`]
							]} />
							{item.status === 'open' && (
								<div class="actions">
									<button type="button" class="button primary" disabled={busy} onClick={replay}>Replay</button>
									<button type="button" class="button" disabled={busy} onClick={discard}>Discard</button>
								</div>
							)}
							{problem && <ProblemNote problem={problem} />}
							{outcomes && <Outcomes items={outcomes} />}
						</Figure>
						<Figure title="What came">
							{item.encoding === 'text' ? <Written label="Payload" text={laidOut(item.payload)} /> : <><p class="hint">Not text; shown as {item.encoding}.</p><Written label="Payload" text={item.payload} /></>}
						</Figure>
					</div>
				</>
			)}
		</Answered>
	)
}
