// The systems that send: what comes from each, and a new one from a preset.
import { useState } from 'preact/hooks'
import { Answered, Empty, PageLink, ProblemNote } from '../components/basics'
import { More } from '../components/deals'
import { Figure } from '../components/figure'
import { PageHead } from '../components/page-head'
import { DataTable } from '../components/table'
import { useAction } from '../lib/action'
import { useAnswer } from '../lib/answers'
import { ask } from '../lib/api'
import { ago, count } from '../lib/format'
import { usePages } from '../lib/paging'
import { go, href } from '../lib/router'
import type { List } from '../lib/types'

export interface Source {
	source: string
	preset: string | null
	enabled: boolean
	webhook: string
	url: string | null
	secrets: { number: number; state: string; not_before: string; not_after: string | null }[]
	override: Record<string, unknown> | null
	document: Record<string, unknown>
	last_delivery_at: string | null
	quarantined_open: number
}
interface Preset {
	preset: string
	document: { title?: string }
}

function Add() {
	const presets = useAnswer<List<Preset>>({ path: '/v1/source-presets' })
	const [preset, setPreset] = useState('')
	const [name, setName] = useState('')
	const { busy, problem, run } = useAction()
	const add = () => run(async () => {
		await ask({ path: '/v1/sources', method: 'POST', body: { source: name || preset, preset } })
		go(href(`/sources/${encodeURIComponent(name || preset)}`))
	})
	return (
		<form class="inline-form" onSubmit={event => { event.preventDefault(); void add() }}>
			<label class="field"><span>System</span>
				<select value={preset} required onChange={event => setPreset(event.currentTarget.value)}>
					<option value="">Choose…</option>
					{presets.data?.data.map(one => <option key={one.preset} value={one.preset}>{one.document.title ?? one.preset}</option>)}
				</select>
			</label>
			<label class="field"><span>Name in the address</span><input pattern="[a-z0-9][a-z0-9_\-]{0,62}" placeholder={preset} value={name} onInput={event => setName(event.currentTarget.value)} /></label>
			<button type="submit" class="button primary" disabled={busy || preset === ''}>Add the source</button>
			{problem && <ProblemNote problem={problem} />}
		</form>
	)
}

export default function Sources() {
	const list = usePages<Source>({ path: '/v1/sources' })
	return (
		<>
			<PageHead title="Sources" lead="CRMs and scripts that send. What a delivery proves and means is data: a preset, and where your CRM differs, what you override." />
			<div class="stack">
				<Answered answer={list} what="Fetching sources">
					{() => list.rows.length === 0 ? <Empty title="No source yet">Add one, give it a secret, and enter its address in your CRM. Data may come by the API as well.</Empty> : (
						<Figure title="Connected" request={list.request}>
							<DataTable caption="Sources" rows={list.rows} rowKey={row => row.source} columns={[
								{ key: 'source', label: 'Source', sort: row => row.source, cell: row => <PageLink to={`/sources/${encodeURIComponent(row.source)}`}>{row.source}</PageLink> },
								{ key: 'preset', label: 'Preset', wide: true, sort: row => row.preset, cell: row => row.preset ?? 'own' },
								{ key: 'state', label: 'State', cell: row => (!row.enabled ? 'switched off' : row.secrets.length === 0 ? 'has no secret yet' : 'takes deliveries') },
								{ key: 'last', label: 'Last delivery', align: 'right', sort: row => row.last_delivery_at, cell: row => (row.last_delivery_at ? ago(Date.parse(row.last_delivery_at)) : 'none yet') },
								{ key: 'quarantined', label: 'In quarantine', align: 'right', sort: row => row.quarantined_open, cell: row => (row.quarantined_open > 0 ? <PageLink to="/quarantine">{count(row.quarantined_open)}</PageLink> : '0') }
							]} />
							<More list={list} />
						</Figure>
					)}
				</Answered>
				<Figure title="Add a source"><Add /></Figure>
			</div>
		</>
	)
}
