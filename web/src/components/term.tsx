// A word that explains itself: the metric's entry in the dictionary, on hover, focus or touch.
import type { ComponentChildren } from 'preact'
import { useEffect, useId, useLayoutEffect, useRef, useState } from 'preact/hooks'
import { createPortal } from '../lib/portal'
import { classes } from './basics'
import { useDictionary } from '../lib/dictionary'

const MARGIN = 12

/** Below the word, or above it where there is more room, always inside the window. */
function place(card: HTMLElement, word: HTMLElement): void {
	const at = word.getBoundingClientRect()
	const { width, height } = card.getBoundingClientRect()
	const below = at.bottom + 8
	const top = below + height + MARGIN > innerHeight && at.top - height - 8 > 0 ? at.top - height - 8 : below
	card.style.left = `${Math.max(MARGIN, Math.min(at.left, innerWidth - width - MARGIN))}px`
	card.style.top = `${top}px`
}

interface Props {
	metric: string
	class?: string | undefined
	/** What a press does besides; otherwise it only shows the entry, for those who cannot hover. */
	onClick?: (() => void) | undefined
	children?: ComponentChildren
}

export function Term({ metric, class: name, onClick, children }: Props) {
	const entry = useDictionary().get(metric)
	const [open, setOpen] = useState(false)
	const word = useRef<HTMLButtonElement>(null)
	const card = useRef<HTMLDivElement>(null)
	const id = useId()

	useLayoutEffect(() => {
		if (open && card.current && word.current) place(card.current, word.current)
	}, [open, entry])
	useEffect(() => {
		if (!open) return
		const close = () => setOpen(false)
		const onKey = (event: KeyboardEvent) => event.key === 'Escape' && close()
		addEventListener('keydown', onKey)
		addEventListener('scroll', close, { capture: true, passive: true })
		return () => {
			removeEventListener('keydown', onKey)
			removeEventListener('scroll', close, { capture: true })
		}
	}, [open])

	const text = children ?? entry?.name ?? metric
	if (!entry && !onClick) return <span>{text}</span>
	return (
		<>
			<button type="button" class={classes('term', name)} ref={word} aria-describedby={open ? id : undefined}
				onMouseEnter={() => setOpen(true)} onMouseLeave={() => setOpen(false)} onFocus={() => setOpen(true)} onBlur={() => setOpen(false)}
				onClick={() => (onClick ? onClick() : setOpen(true))}>
				{text}
			</button>
			{open && entry && createPortal(
				<div class="term-card" role="tooltip" id={id} ref={card}>
					<p class="term-name">{entry.name} <span class="term-id">{entry.id}</span></p>
					<p>{entry.formula}</p>
					<dl>
						<dt>Counts</dt><dd>{entry.basis}</dd>
						<dt>No value</dt><dd>{entry.null_rules}</dd>
						{entry.note && <><dt>Note</dt><dd>{entry.note}</dd></>}
					</dl>
				</div>
			)}
		</>
	)
}
