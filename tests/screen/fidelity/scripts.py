"""Texts in the scripts that people write in: sentences, both ways to write their accents, and pieces of them."""

import random
import unicodedata

SENTENCES = """
All human beings are born free and equal in dignity and rights.
Alle Menschen sind frei und gleich an Würde und Rechten geboren: ÄÖÜ äöü ß ẞ.
Tous les êtres humains naissent libres et égaux en dignité et en droits; œuvre, ça, où, naïf.
Todos los seres humanos nacen libres e iguales en dignidad y derechos. ¿Qué? ¡Año!
Tutti gli esseri umani nascono liberi ed eguali in dignità e diritti. Perché così?
Todos os seres humanos nascem livres e iguais em dignidade e em direitos; são ações.
Wszyscy ludzie rodzą się wolni i równi pod względem swej godności i swych praw. Zażółć gęślą jaźń.
Všichni lidé rodí se svobodní a sobě rovní co do důstojnosti a práv. Příliš žluťoučký kůň.
Minden emberi lény szabadon születik és egyenlő méltósága és joga van. Árvíztűrő tükörfúrógép.
Toate ființele umane se nasc libere și egale în demnitate și în drepturi.
Bütün insanlar hür, haysiyet ve haklar bakımından eşit doğarlar. İıĞğŞş
Tất cả mọi người sinh ra đều được tự do và bình đẳng về nhân phẩm và quyền lợi.
Kaikki ihmiset syntyvät vapaina ja tasavertaisina arvoltaan ja oikeuksiltaan.
Alla människor är födda fria och lika i värde och rättigheter. Smörgåsbord på ö.
Hver maður er borinn frjáls og jafn öðrum að virðingu og réttindum. Þórður
Όλοι οι άνθρωποι γεννιούνται ελεύθεροι και ίσοι στην αξιοπρέπεια και τα δικαιώματα.
Все люди рождаются свободными и равными в своем достоинстве и правах. Ёжик йод
Всі люди народжуються вільними і рівними у своїй гідності та правах. Ґанок їжак
Всички хора се раждат свободни и равни по достойнство и права.
Сва људска бића рађају се слободна и једнака у достојанству и правима.
Бүх хүн төрж мэндлэхдээ эрх чөлөөтэй, адилхан нэр төртэй байдаг.
Բոլոր մարդիկ ծնվում են ազատ ու հավասար իրենց արժանապատվությամբ ու իրավունքներով:
ყველა ადამიანი იბადება თავისუფალი და თანასწორი თავისი ღირსებითა და უფლებებით.
כל בני האדם נולדו בני חורין ושווים בערכם ובזכויותיהם. שָׁלוֹם עֲלֵיכֶם
يولد جميع الناس أحراراً متساوين في الكرامة والحقوق. السَّلَامُ عَلَيْكُمْ
تمام افراد بشر آزاد به دنیا می‌آیند و از لحاظ حیثیت و حقوق با هم برابرند.
تمام انسان آزاد اور حقوق و عزت کے اعتبار سے برابر پیدا ہوئے ہیں۔
सभी मनुष्यों को गौरव और अधिकारों के मामले में जन्मजात स्वतन्त्रता और समानता प्राप्त है। क्ष त्र ज्ञ श्री
सर्व मनुष्यजात जन्मतःच स्वतंत्र आहे व सर्वजणांना समान प्रतिष्ठा व समान अधिकार आहेत.
सबै व्यक्तिहरू जन्मजात स्वतन्त्र हुन् ती सबैको समान अधिकार र महत्व छ।
সমস্ত মানুষ স্বাধীনভাবে সমান মর্যাদা এবং অধিকার নিয়ে জন্মগ্রহণ করে। ক্ষ জ্ঞ
ਸਾਰਾ ਮਨੁੱਖੀ ਪਰਿਵਾਰ ਆਪਣੀ ਮਹਿਮਾ, ਸ਼ਾਨ ਅਤੇ ਹੱਕਾਂ ਦੇ ਪੱਖੋਂ ਜਨਮ ਤੋਂ ਹੀ ਆਜ਼ਾਦ ਹੈ।
પ્રતિષ્ઠા અને અધિકારોની દૃષ્ટિએ સર્વ માનવો જન્મથી સ્વતંત્ર અને સમાન હોય છે.
ସମସ୍ତ ମନୁଷ୍ୟ ଜନ୍ମକାଳରୁ ସ୍ୱାଧୀନ ଏବଂ ମର୍ଯ୍ୟାଦା ଓ ଅଧିକାରରେ ସମାନ।
மனிதப் பிறவியினர் சகலரும் சுதந்திரமாகவே பிறக்கின்றனர்; ஸ்ரீ கோ நௌ
ప్రతిపత్తిస్వత్వముల విషయమున మానవులెల్లరును జన్మతః స్వతంత్రులును సమానులును నగుదురు. శ్రీ క్ష్మ
ಎಲ್ಲಾ ಮಾನವರೂ ಸ್ವತಂತ್ರರಾಗಿಯೇ ಜನಿಸಿದ್ದಾರೆ. ಹಾಗೂ ಘನತೆ ಮತ್ತು ಹಕ್ಕುಗಳಲ್ಲಿ ಸಮಾನರಾಗಿದ್ದಾರೆ.
മനുഷ്യരെല്ലാവരും തുല്യാവകാശങ്ങളോടും അന്തസ്സോടും സ്വാതന്ത്ര്യത്തോടുംകൂടി ജനിച്ചിട്ടുള്ളവരാണ്.
සියලු මනුෂ්‍යයෝ නිදහස්ව උපත ලබා ඇත. ගරුත්වයෙන් හා අයිතිවාසිකම්වලින් සමාන වෙති. ශ්‍රී ක්‍ෂ
มนุษย์ทั้งหลายเกิดมามีอิสระและเสมอภาคกันในเกียรติศักดิ์และสิทธิ ทำน้ำ กำลัง
ມະນຸດເກີດມາມີສິດເສລີພາບ ແລະ ສະເໝີໜ້າກັນໃນທາງກຽດສັກສີ ແລະ ທາງສິດດ້ວຍ ນ້ຳ ຄຳ
လူတိုင်းသည် တူညီ လွတ်လပ်သော ဂုဏ်သိက္ခာဖြင့် လည်းကောင်း မွေးဖွားလာသူများ ဖြစ်သည်။
មនុស្សទាំងអស់ កើតមកមានសេរីភាព និងសមភាព ក្នុងផ្នែកសេចក្ដីថ្លៃថ្នូរនិងសិទ្ធិ។ ស្រី
འགྲོ་བ་མིའི་རིགས་རྒྱུད་ཡོངས་ལ་སྐྱེས་ཙམ་ཉིད་ནས་ཆེ་མཐོངས་དང༌། ཐོབ་ཐངགི་རང་དབང་འདྲ་མཉམ་དུ་ཡོད་ལ།
人人生而自由，在尊严和权利上一律平等。他们赋有理性和良心。
人人生而自由﹐在尊嚴和權利上一律平等。𠮷野家 㐂
すべての人間は、生まれながらにして自由であり、かつ、尊厳と権利とについて平等である。がぎぐ ｶﾞｷﾞ ﾊﾟ
모든 인간은 태어날 때부터 자유로우며 그 존엄과 권리에 있어 동등하다. 각낳ᄒᆞᆫ글
ሰብዓዊ ፍጡራን በሙሉ ነፃና ክቡር ሆነው ይወለዳሉ።
ⵉⵎⴷⴰⵏⵏ ⴰⴽⴽⵯ ⴰⵔ ⴷ ⵜⵜⵍⴰⵍⴰⵏ ⴳⴰⵏ ⵉⵍⴻⵍⵍⵉⵜⵏ
ᎠᏂᎦᏚ ᎠᏂᏴᏫ ᏂᎨᎫᏓᎸᎾ ᎠᎴ ᎤᏂᏠᏱ
ᐃᓄᓕᒫᑦ ᐊᓂᖅᑎᕆᔪᓕᒫᑦ ᐃᓅᓕᖅᐳᑦ ᐊᔪᕆᕐᒪᓄᑎᒃ
ߡߏ߬ ߟߎ߫ ߓߍ߯ ߦߋ߫ ߘߊ߲߬ߧߊ߬ߣߍ߲ ߘߌ߫
ꦱꦧꦼꦤ꧀ꦲꦸꦮꦺꦴꦁꦏꦭꦲꦶꦂꦲꦏꦺ
ᬲᬫᬶᬂᬫᬦᬸᬱᬏᬗᬓᬂᬳᬫᬺᬤᬶᬓ
Ọmọ ènìyàn gbogbo ni a bí ní òmìnira; iyì àti ẹ̀tọ́ kọ̀ọ̀kan sì dọ́gba.
Mọi người: ư ơ ă â ê ô đ ỹ ẫ ễ ộ — “quotes” ‘single’ … – —
👍 👍🏽 👨‍👩‍👧‍👦 🏳️‍🌈 🇩🇪🇯🇵 ❤️ ❤ ⌚ ⌚︎ 1️⃣ #️⃣ ☰ ☕ ✈️ ✈ 🫨 🧑🏻‍💻 👩🏾‍❤️‍💋‍👨🏻 🤷🏼‍♀️
─│┌┐└┘├┤┬┴┼ ═║╔╗ ▀▄█░▒▓ ◆●○■□▲▼ ←↑→↓ ✓✗ ∑∫√∞≠≤≥ ⠋⠙⠹⠸ ▏▎▍▌▋ 🬀🬁🬂 \ue0b0\ue0b1\ue0b2 \uf115\uf121
Zero\u200bwidth, word\u2060joiner, soft\u00adhyphen, nb\u00a0space, \u200elrm, \u202artl\u202c, \ufeffbom.
a\u0301\u0302\u0303, e\u20dd
""".strip().splitlines()
PIECES = 6


def texts() -> list[list[str]]:
    """For each sentence: itself, decomposed, and pieces of it that begin and end anywhere."""
    chance = random.Random(14)
    found = []
    for sentence in SENTENCES:
        group = [sentence, unicodedata.normalize("NFD", sentence), unicodedata.normalize("NFC", sentence)[::-1]]
        for at in range(PIECES):
            start = chance.randrange(len(sentence))
            piece = sentence[start : start + chance.randint(2, 24)]
            group.append(unicodedata.normalize("NFD", piece) if at % 2 else piece)
        found.append(group)
    return found
