// What sources sent and could not be taken: why, and again once the cause is mended.
import { useState } from 'preact/hooks'
import { Answered, Empty, PageLink, ProblemNote } from '../components/basics'
import { Choice, useChoice } from '../components/choice'
import { More } from '../components/deals'
import { Figure } from '../components/figure'
import { PageHead } from '../components/page-head'
import { DataTable } from '../components/table'
import { useAction } from '../lib/action'
import { ask } from '../lib/api'
import { ago, count, words } from '../lib/format'
import { usePages } from '../lib/paging'
import type { List } from '../lib/types'

export interface QuarantineItem {
	id: number
	source: string
	reason: string
	message: string
	pointer: string | null
	kind: string | null
	object_id: string | null
	status: 'open' | 'replayed' | 'discarded'
	times: number
	last_received_at: string
}
interface Open {
	source: string
	reason: string
	items: number
}
interface Replayed {
	replayed: number
	still_open: number
	next: string | null
}

const SHOWN = [['open', 'Waiting'], ['replayed', 'Replayed'], ['discarded', 'Discarded']] as const

/** Replays all of one source and reason, page by page as the API goes on. */
function ReplayAll({ open, done }: { open: Open; done: () => void }) {
	const { busy, problem, run } = useAction()
	const [said, setSaid] = useState('')
	const replay = () => run(async () => {
		let replayed = 0
		let still = 0
		let cursor: string | null = null
		do {
			const part: Replayed = await ask<Replayed>({ path: '/v1/quarantine/replay', method: 'POST', query: { source: open.source, reason: open.reason, cursor } })
			replayed += part.replayed
			still += part.still_open
			cursor = part.next
			setSaid(`${count(replayed)} taken, ${count(still)} still waiting`)
		} while (cursor !== null)
		done()
	})
	return (
		<>
			<button type="button" class="button" disabled={busy} onClick={replay} aria-label={`Replay all of ${open.source}: ${words(open.reason)}`}>{busy ? 'Replaying…' : 'Replay all'}</button> <span role="status" class="hint">{said}</span>
			{problem && <ProblemNote problem={problem} />}
		</>
	)
}

export default function Quarantine() {
	const shown = useChoice('status', SHOWN)
	const list = usePages<QuarantineItem>({ path: '/v1/quarantine', query: { status: shown } })
	const open = (list.data as (List<QuarantineItem> & { open: Open[] }) | null)?.open ?? []
	return (
		<>
			<PageHead title="Quarantine" lead="One bad item never stops a delivery: it waits here with its reason. Mend the mapping or the source, then replay it." />
			<div class="stack">
				{open.length > 0 && (
					<Figure title="By reason">
						<DataTable caption="Waiting, by source and reason" rows={open} rowKey={row => `${row.source} ${row.reason}`} sortBy="-items" columns={[
							{ key: 'reason', label: 'Reason', sort: row => row.reason, cell: row => words(row.reason) },
							{ key: 'source', label: 'Source', sort: row => row.source, cell: row => row.source },
							{ key: 'items', label: 'Items', align: 'right', sort: row => row.items, cell: row => count(row.items) },
							{ key: 'replay', label: 'Again', cell: row => <ReplayAll open={row} done={list.refresh} /> }
						]} />
					</Figure>
				)}
				<div>
					<Choice label="Which items" name="status" options={SHOWN} />
					<Answered answer={list} what="Fetching items">
						{() => list.rows.length === 0 ? <Empty title={shown === 'open' ? 'Nothing waits' : 'None'}>{shown === 'open' && 'Everything that came was taken.'}</Empty> : (
							<Figure title="Items" request={list.request}>
								<DataTable caption="Items in quarantine" rows={list.rows} rowKey={row => String(row.id)} columns={[
									{ key: 'id', label: 'Item', sort: row => row.id, cell: row => <PageLink to={`/quarantine/${row.id}`}>{row.kind ? `${row.kind} ${row.object_id ?? ''}` : `item ${row.id}`}</PageLink> },
									{ key: 'message', label: 'What is wrong', cell: row => <>{row.message} {row.pointer && <code>{row.pointer}</code>}</> },
									{ key: 'source', label: 'Source', wide: true, sort: row => row.source, cell: row => row.source },
									{ key: 'times', label: 'Times', align: 'right', wide: true, sort: row => row.times, cell: row => count(row.times) },
									{ key: 'last', label: 'Last came', align: 'right', wide: true, sort: row => row.last_received_at, cell: row => ago(Date.parse(row.last_received_at)) }
								]} />
								<More list={list} />
							</Figure>
						)}
					</Answered>
				</div>
			</div>
		</>
	)
}
