// The versions of the strategy: which holds, which held, which is being written.
import { Answered, Empty, ProblemNote } from '../components/basics'
import { More } from '../components/deals'
import { Figure } from '../components/figure'
import { StrategyLink } from '../components/links'
import { PageHead } from '../components/page-head'
import { bodyOf, stateOf, type Strategy } from '../components/strategy/document'
import { DataTable } from '../components/table'
import { useAction } from '../lib/action'
import { useAnswer } from '../lib/answers'
import { ask } from '../lib/api'
import { date } from '../lib/format'
import { usePages } from '../lib/paging'
import { go, href } from '../lib/router'
import { may } from '../lib/session'
import type { List } from '../lib/types'

/** A draft to begin with, where there is no version to start from: valid, and small enough to be read. */
const FIRST = {
	name: 'Our strategy', effective_from: new Date().toISOString().slice(0, 10),
	segments: [{ key: 'core', label: 'Core market', when: [{ attr: 'industry', in: ['healthcare'] }], target: { bookings: 1, time: 1 } }],
	fit: {
		criteria: [{ key: 'industry', weight: 1, attr: 'industry', match: [{ in: ['healthcare'], score: 1 }] }],
		tiers: [{ key: 'core', min: 70, on_strategy: true }, { key: 'outside', min: 0, on_strategy: false }]
	}
}

function NewDraft({ from }: { from: Strategy | undefined }) {
	const { busy, problem, run } = useAction()
	const create = () => run(async () => {
		const draft = await ask<Strategy>({ path: '/v1/strategies', method: 'POST', body: from ? { ...bodyOf(from), name: `${from.name} (draft)`.slice(0, 200), effective_from: FIRST.effective_from } : FIRST })
		go(href(`/strategies/${encodeURIComponent(draft.id)}`))
	})
	return (
		<div class="actions">
			<button type="button" class="button primary" disabled={busy} onClick={create}>{from ? 'New draft from the one in force' : 'Write the first draft'}</button>
			{problem && <ProblemNote problem={problem} />}
		</div>
	)
}

export default function Strategies() {
	const list = usePages<Strategy>({ path: '/v1/strategies' })
	const now = useAnswer<List<Strategy>>({ path: '/v1/strategies', query: { effective_at: new Date().toISOString().slice(0, 10) } })
	const inForce = new Set(now.data?.data.map(({ id }) => id))
	return (
		<>
			<PageHead title="Strategy" lead="What the leadership wants: whom to sell to, what, and why customers should buy. A published version never changes; each decision is judged by the one in force when it was made." />
			<Answered answer={list} what="Fetching versions">
				{() => (
					<div class="stack">
						{list.rows.length === 0 ? <Empty title="No strategy yet">Until one is published, nothing can be on or off strategy.</Empty> : (
							<Figure title="Versions" request={list.request}>
								<DataTable caption="Versions of the strategy" rows={list.rows} rowKey={row => row.id} sortBy="-from" columns={[
									{ key: 'name', label: 'Name', sort: row => row.name, cell: row => <StrategyLink id={row.id}>{row.name}</StrategyLink> },
									{ key: 'state', label: 'State', sort: row => stateOf(row, inForce), cell: row => <span class={inForce.has(row.id) ? 'strong' : undefined}>{stateOf(row, inForce)}</span> },
									{ key: 'teams', label: 'For', wide: true, cell: row => row.scope?.teams?.join(', ') ?? 'everybody' },
									{ key: 'from', label: 'Holds from', align: 'right', sort: row => row.effective_from, cell: row => date(row.effective_from) },
									{ key: 'published', label: 'Published', align: 'right', wide: true, sort: row => row.published_at ?? null, cell: row => date(row.published_at) }
								]} />
								<More list={list} />
							</Figure>
						)}
						{may('strategy') && <NewDraft from={now.data?.data[0]} />}
					</div>
				)}
			</Answered>
		</>
	)
}
