/**
 * The sign-in page: a button for each wallet of the browser, and a field for a key.
 */
import { useEffect } from 'preact/hooks'
import { Field, Form } from '../parts/form.tsx'
import { Icon } from '../parts/icon.tsx'
import { Refused } from '../parts/notice.tsx'
import { useAttempt } from '../state/attempt.ts'
import { go, linkTo } from '../state/router.ts'
import { signedIn, signInWithKey, ways } from '../state/session.ts'
import { performSigned } from '../wallet/signing.ts'
import { discoverWallets, type Wallet, wallets } from '../wallet/wallets.ts'
import { beginWithKey } from './keys/key-terms.ts'

export function SignInPage({ next }: { next: string }) {
  useEffect(discoverWallets, [])
  return (
    <div class="sign-in">
      <header>
        <h1>Sign in</h1>
        <p class="soft">{waysIn()}</p>
      </header>
      {ways.value.wallet && <WalletButtons next={next} />}
      {ways.value.wallet && <div class="or">or</div>}
      <Form
        submit="Sign in with the key"
        onSubmit={async (fields) => {
          await signInWithKey(String(fields.get('key')).trim())
          go(next)
        }}
      >
        <Field label="Key" hint="Of this orchestrator. It opens a session and is not stored in this browser.">
          <input class="input mono" name="key" type="password" autocomplete="off" required placeholder="chasm_…" />
        </Field>
      </Form>
    </div>
  )
}

function waysIn(): string {
  if (!ways.value.wallet) return 'With a key that you have; the operator of this orchestrator makes them.'
  if (wallets.value.length === 0) return 'With a wallet, or with a key that you have.'
  return 'Your wallet signs a sentence. It costs nothing and moves nothing.'
}

/** Whoever wants to connect something gets the key for it with the same signature. */
const firstKeys: Record<string, 'client' | 'scout'> = {
  connect: 'client',
  'connect/api': 'client',
  'connect/scout': 'scout',
}

function WalletButtons({ next }: { next: string }) {
  const { attempt, refusal, isBusy } = useAttempt()
  const role = firstKeys[next]
  const enter = (wallet: Wallet) =>
    attempt(async () => {
      if (role !== undefined) await beginWithKey(wallet, role)
      else {
        await performSigned(wallet, { type: 'sign_in' })
        await signedIn()
      }
      go(next)
    })
  const what = role === undefined ? 'Sign in with' : 'Get a key with'
  return (
    <div class="stack">
      {wallets.value.map((wallet) => (
        <button
          type="button"
          class="button primary"
          key={wallet.id}
          disabled={isBusy}
          onClick={() => void enter(wallet)}
        >
          {wallet.icon === null ? <Icon name="wallet" /> : <img src={wallet.icon} alt="" width="18" height="18" />}
          <span class="name">
            {what} {wallet.name}
          </span>
        </button>
      ))}
      {wallets.value.length === 0 && (
        <p class="soft">No wallet here: install one, use your wallet’s own browser, or paste a key.</p>
      )}
      {role !== undefined && wallets.value.length > 0 && (
        <a class="soft small" href={linkTo('sign-in')}>
          Sign in without making a key
        </a>
      )}
      {refusal && <Refused refusal={refusal} />}
    </div>
  )
}
