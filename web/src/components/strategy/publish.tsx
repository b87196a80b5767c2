// Publishing: a job that judges anew, watched while it runs.
import { useEffect, useState } from 'preact/hooks'
import { ask } from '../../lib/api'
import { count, words } from '../../lib/format'
import type { Action } from '../../lib/action'

export interface Job {
	id: string
	status: 'queued' | 'running' | 'done' | 'failed'
	phase: string | null
	progress: { done: number; total: number } | null
	error?: { code?: string; detail?: string } | string | null
}

/** Follows a job by its stream of events until it ends. */
export function useJob(id: string | null, ended: (job: Job) => void): Job | null {
	const [job, setJob] = useState<Job | null>(null)
	useEffect(() => {
		if (id === null) return
		const path = `/v1/jobs/${encodeURIComponent(id)}`
		const stream = new EventSource(`${path}/events`)
		const take = (event: MessageEvent<string>) => setJob(JSON.parse(event.data) as Job)
		const end = (event: MessageEvent<string>) => {
			stream.close()
			take(event)
			ended(JSON.parse(event.data) as Job)
		}
		stream.addEventListener('progress', take)
		stream.addEventListener('done', end)
		stream.addEventListener('failed', end)
		// A stream that breaks off begins anew by itself; one that is refused does not, and is asked for plainly.
		stream.onerror = () => {
			if (stream.readyState === EventSource.CLOSED) void ask<Job>({ path }).then(setJob, () => undefined)
		}
		return () => stream.close()
	}, [id])
	return job
}

export function Progress({ job }: { job: Job }) {
	const { done = 0, total = 0 } = job.progress ?? {}
	return (
		<div class="progress" role="status">
			<p>{job.status === 'done' ? 'Published.' : job.status === 'failed' ? 'It failed, and everything is as it was.' : `Judging anew: ${words(job.phase ?? job.status)}, ${count(done)} of ${count(total)}.`}</p>
			<progress max={Math.max(total, 1)} value={job.status === 'done' ? Math.max(total, 1) : done} aria-label="Progress of publishing" />
			{job.status !== 'done' && job.status !== 'failed' && <p class="hint">Until it is finished everybody goes on seeing the old figures. You may leave this page.</p>}
		</div>
	)
}

/** Asks once more before it does it: a published version cannot be changed any more. */
export function PublishButton({ action, publish, from }: { action: Action; publish: () => void; from: string }) {
	const [sure, setSure] = useState(false)
	if (!sure) return <button type="button" class="button primary" disabled={action.busy} onClick={() => setSure(true)}>Publish…</button>
	return (
		<span class="sure" role="group" aria-label="Publish this version?">
			It holds from {from} and cannot be changed afterwards.
			<button type="button" class="button primary" disabled={action.busy} onClick={publish}>Publish now</button>
			<button type="button" class="button" onClick={() => setSure(false)}>Not yet</button>
		</span>
	)
}
