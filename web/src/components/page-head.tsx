import type { ComponentChildren } from 'preact'

/** The head of a page: where it belongs, what it is, one sentence. */
export function PageHead({ title, lead, crumb }: { title: ComponentChildren; lead?: ComponentChildren; crumb?: ComponentChildren }) {
	return (
		<div class="page-head">
			{crumb && <p class="crumb">{crumb}</p>}
			<h1>{title}</h1>
			{lead && <p class="lead">{lead}</p>}
		</div>
	)
}
