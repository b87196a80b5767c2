// One version of the strategy: read, and while it is a draft written, tried out and published.
import { useEffect, useState } from 'preact/hooks'
import { Answered, PageLink, ProblemNote } from '../components/basics'
import { DocumentField, pretty } from '../components/document'
import { Figure } from '../components/figure'
import { PageHead } from '../components/page-head'
import { bodyOf, stateOf, type Strategy } from '../components/strategy/document'
import { Changes, PreviewShown, Warnings, type Preview } from '../components/strategy/moves'
import { Progress, PublishButton, useJob, type Job } from '../components/strategy/publish'
import { StrategyShown } from '../components/strategy/shown'
import { parsed, useAction } from '../lib/action'
import { useAnswer } from '../lib/answers'
import { ask } from '../lib/api'
import { date } from '../lib/format'
import { go, href } from '../lib/router'
import { may } from '../lib/session'
import type { List } from '../lib/types'
import type { PageProps } from '../pages'

const pathOf = (id: string): string => `/v1/strategies/${encodeURIComponent(id)}`

function Diff({ id }: { id: string }) {
	const answer = useAnswer<{ against: string | null; changes: { pointer: string; change: string; from?: unknown; to?: unknown }[] }>({ path: `${pathOf(id)}/diff` })
	return (
		<Answered answer={answer} what="Comparing">
			{({ against, changes }) => (against === null || changes.length === 0 ? null : (
				<Figure title={`What it changes against ${against}`} request={answer.request} csv={false}><Changes changes={changes} /></Figure>
			))}
		</Answered>
	)
}

/** The document of a draft, with what can be done with it. */
function Draft({ strategy, changed }: { strategy: Strategy; changed: () => void }) {
	const [text, setText] = useState(() => pretty(bodyOf(strategy)))
	const [preview, setPreview] = useState<Preview | null>(null)
	const [jobId, setJobId] = useState<string | null>(null)
	const writing = useAction()
	const trying = useAction()
	const publishing = useAction()
	const job = useJob(jobId, changed)
	const path = pathOf(strategy.id)
	const dirty = text !== pretty(bodyOf(strategy))
	useEffect(() => setText(pretty(bodyOf(strategy))), [strategy.updated_at])

	const save = () => writing.run(async () => {
		await ask({ path, method: 'PUT', body: parsed(text) })
		setPreview(null)
		changed()
	})
	const tryOut = () => trying.run(async () => setPreview(await ask<Preview>({ path: `${path}/preview`, method: 'POST' })))
	const publish = () => publishing.run(async () => {
		const answer = await ask<Partial<Job> & Partial<Strategy>>({ path: `${path}/publish`, method: 'POST', query: { async: 'true' }, body: {} })
		if (answer.progress !== undefined && answer.id) setJobId(answer.id)
		else changed()
	})
	const remove = () => writing.run(async () => {
		await ask({ path, method: 'DELETE' })
		go(href('/strategies'))
	})
	if (job && job.status !== 'failed') return <Figure title="Publishing"><Progress job={job} /></Figure>
	return (
		<>
			<Figure title="The document" lead="As the API takes it; every problem is named with its place.">
				<DocumentField label="Strategy document, JSON" text={text} onInput={setText} action={writing} />
				<div class="actions">
					<button type="button" class="button primary" disabled={writing.busy || !dirty} onClick={save}>Save the draft</button>
					<button type="button" class="button" disabled={!dirty} onClick={() => setText(pretty(bodyOf(strategy)))}>Undo changes</button>
					<button type="button" class="button" disabled={writing.busy} onClick={remove}>Delete the draft</button>
				</div>
			</Figure>
			<Figure title="Try it out, then publish" request={{ path: `${path}/preview`, method: 'POST' }} csv={false}>
				<div class="actions">
					<button type="button" class="button" disabled={trying.busy || dirty} onClick={tryOut}>{trying.busy ? 'Judging…' : 'Show what would move'}</button>
					<span>{dirty ? 'Save the draft first.' : <PublishButton action={publishing} publish={publish} from={date(strategy.effective_from)} />}</span>
				</div>
				{trying.problem && <ProblemNote problem={trying.problem} />}
				{publishing.problem && <ProblemNote problem={publishing.problem} />}
				{job?.status === 'failed' && <Progress job={job} />}
				{preview && <PreviewShown preview={preview} />}
			</Figure>
		</>
	)
}

export default function StrategyPage({ params }: PageProps) {
	const id = params['id']!
	const answer = useAnswer<Strategy>({ path: pathOf(id) })
	const now = useAnswer<List<Strategy>>({ path: '/v1/strategies', query: { effective_at: new Date().toISOString().slice(0, 10) } })
	const inForce = new Set(now.data?.data.map(one => one.id))
	const changed = () => {
		answer.refresh()
		now.refresh()
	}
	return (
		<Answered answer={answer} what="Fetching the strategy">
			{strategy => (
				<>
					<PageHead crumb={<PageLink to="/strategies">Strategy</PageLink>} title={strategy.name}
						lead={`${stateOf(strategy, inForce)}. ${strategy.status === 'published' ? 'Holds' : 'Would hold'} from ${date(strategy.effective_from)}, for ${strategy.scope?.teams?.join(', ') ?? 'everybody'}. Version ${strategy.id}.`} />
					<div class="stack">
						{(strategy.lint ?? []).length > 0 && <Warnings warnings={strategy.lint!} />}
						{strategy.status === 'draft' && may('strategy') && <Draft strategy={strategy} changed={changed} />}
						{strategy.status === 'draft' && <Diff key={strategy.updated_at} id={id} />}
						<StrategyShown strategy={strategy} />
					</div>
				</>
			)}
		</Answered>
	)
}
