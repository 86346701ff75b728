"""Names of people where the words around them say so: introductions, titles, greetings, kin."""

from __future__ import annotations

import re
from collections.abc import Iterator

from knowledge.words import words

# The commonest surnames, about 95 % of people: 我是买家 and 我叫了快递 give no name.
SURNAME = (
    "(?:欧阳|司马|上官|诸葛|东方|皇甫|尉迟|公孙|慕容|令狐|司徒|夏侯|端木|南宫|["
    "王李张刘陈杨黄赵吴周徐孙马朱胡郭何高林罗郑梁谢宋唐许韩冯邓曹彭曾肖萧田董袁潘于蒋蔡余杜叶程苏魏吕丁任沈姚卢姜崔"
    "钟谭陆汪范金石廖贾夏韦付方白邹孟熊秦邱江尹薛闫段雷侯龙史陶黎贺顾毛郝龚邵万钱严覃武戴莫孔向汤欧温康施文牛樊葛"
    "邢安齐易乔伍庞颜倪庄聂章鲁岳翟殷詹申耿关兰焦俞左柳甘祝包宁尚符舒阮柯纪梅童凌毕单季裴霍涂成苗谷盛曲翁冉骆蓝路"
    "游辛靳管柴蒙鲍华喻祁蒲房滕屈饶解牟艾尤阳时穆农司卓古吉缪简车项连芦麦褚娄窦戚岑景党宫费卜冷晏席卫米柏宗瞿桂全"
    "佟应臧闵苟邬边卞姬师和仇栾隋商刁沙荣巫寇桑郎甄丛仲虞敖巩明佘池查麻苑迟邝])"
)
# No given name has these; so 我叫王伟想退货 ends where the sentence goes on.
_GIVEN = (
    r"(?!先生|女士|小姐|太太|老师|经理)(?![的了吗呢吧要请是我你您他她它有没不给把让到从被])"
    r"[\u4e00-\u9fff]"
)
_ON = (  # how the sentence goes on after a name
    r"(?=[^\u4e00-\u9fff]|$|想|要|的|电话|手机|住|在|和|跟|请|是|订|买|收|身份|地址|今|昨|这|有|需"
    r"|麻烦|先生|女士|小姐|前|刚|上|我|你|能|可|邮|护照|以前|之前|下单|登记|写)"
)
_FULL = rf"(?P<zh>{SURNAME}{_GIVEN}{{1,2}})"
_IS = r"[是为]?[:：]? ?"
_WHO = r"(?:收件|收货|联系|收|付款|持卡|下单|订货|购买)人(?:的?(?:姓名|名字))?"
INTRODUCED = re.compile(
    rf"(?:我叫|我的名字[是叫]|我名叫|名字[是叫为]|名字改[成为]|本人|姓名{_IS}|全名{_IS}"
    rf"|{_WHO}(?:改[成为]|换成|写的?是|是|为|叫)?[:：]? ?"
    rf"|户名{_IS}|署名|订单是){_FULL}{_ON}"
)
SELF = re.compile(rf"(?:我是|这里是|这边是){_FULL}(?=[^\u4e00-\u9fff的]|$|想|要|，|我)")
FIELD = re.compile(
    r"(?:姓名|收件人|收货人|联系人)[:：] ?(?P<zh>[\u4e00-\u9fff]{2,4})(?=[,，。.;；!！\s、]|$)"
)
TITLED = re.compile(
    rf"(?P<zh>{SURNAME}(?:{_GIVEN}{{1,2}}|))(?=先生|女士|小姐|太太|老师|经理|师傅|阿姨|大哥|大姐)"
)
GIVEN_TO = re.compile(  # 寄给张伟，麻烦转交给李娜
    rf"(?:寄给|发给|送给|交给|转给|收件人?给|抬头写|付款的是|收货的是){_FULL}{_ON}"
)
RELATIVE = re.compile(  # 我爱人王芳也买了
    r"(?:老公|老婆|爱人|丈夫|妻子|先生|太太|妈妈?|爸爸?|父亲|母亲|儿子|女儿|哥哥?|弟弟?|姐姐?|妹妹?|同事"
    rf"|朋友|室友|邻居|同学|经理|客服|专员|顾问)(?:名?叫|是)?{_FULL}"
    r"(?=[^\u4e00-\u9fff]|$|也|的|在|说|帮|跟|和|想|要|给|没|昨|今|上次)"
)
ACTING = re.compile(  # 让王芳给我回电, 被李强签收
    rf"(?:让|请|找|被|由|是){_FULL}(?=给我|帮我|帮忙|回电|签收|代收|联系|处理|接待|打电话|下的?单|付的?款)"
)
GREETED = re.compile(rf"^(?:您好|你好|亲爱的|尊敬的)[，,、 ]?{_FULL}(?=[，,：:！!]|您好|你好)")
DIALLED = re.compile(  # 王伟 13812345678
    rf"(?<![\u4e00-\u9fff]){_FULL}(?=[,，、 ]?(?:电话|手机号?)?[:：]? ?1[3-9]\d{{9}}(?!\d))"
)
# Characters that foreign names are written with; 海景·大床房 has others.
_FOREIGN = (
    "[阿艾安奥巴贝本比彼布查达大戴丹德迪杜多恩尔法菲费弗福盖格古哈汉赫亨霍吉加杰卡凯科克肯拉莱兰朗劳勒雷里理丽利列林琳卢"
    "鲁路伦罗洛马玛迈曼梅蒙米密摩莫姆娜纳奈内尼诺欧帕派佩皮珀普奇乔琼让瑞萨塞森莎山史斯丝苏索塔泰汤唐特汀托瓦威维温沃西希夏"
    "谢休雅亚扬耶伊以尤约泽詹珍朱兹翰逊顿翁韦茨基夫妮]"
)
FOREIGN = re.compile(rf"(?P<zh>{_FOREIGN}{{2,6}}(?:[·・•]{_FOREIGN}{{2,6}}){{1,2}})")
NICKNAME = re.compile(  # 小王你好；小米、小白、老师 are none
    r"(?:(?<![\u4e00-\u9fff])|(?<=[找跟让请问]))"
    r"(?P<zh>[小老][王李张刘陈杨赵吴孙朱胡郭郑谢冯曹彭])"
    r"(?=[^\u4e00-\u9fff]|$|你|您|说|帮|就|吧|联系|回我|给我|跟我)"
)
NOT_CHINESE = re.compile(
    r"客服|机器人|会员|新用户|老(?:客户|顾客|用户|师)|谁|学生|金[卡牌]|银卡|高[中级校]|钟点工|黄金|白[金茶色]|买家|卖家"
    r"|江[苏西]|安徽|石家庄|唐山|郑州|温州|徐州|常州|金华|华[东南北]|东方|成[都人]|武汉|南宫|全[国部款额]|于|连|应该|明[天白]"
    r"|时候|关[于注]|解[决释]|单[子号]|成[功年]|车[主间]|何[时种]|任何|包[裹装邮]|方[便法]|安[装排全]|简单|白色|黄色|蓝色|金色"
    r"|左右|高兴|严重|温度|康复|文员|万分|路[上过]|房[东间]|农村|师傅|和|边|查|尚|和平|时间|连接|管理|沙发|米"
    r"|顾[客问]|商[量务]|程[序度]|韩国|房主|管[家理]|高层|马[上来]|司法|单位|万家|童[装年]|王[牌者]|周[末一二三四五六日边年]"
    r"|严格|明星|金额|方[式案法]|路人|段|钱包|温馨|时尚|安[心静]|宁愿|易[碎拉]|毛[巾病绒]|卓越|党组|盛大|凌晨|水"
    r"|两位|那位|这位|史上|商[家品]|党员|游客|麻烦|费用|荣誉|卫生|司机|华为"
)
_UPPER = "".join(chr(c) for c in range(0x41, 0x530) if chr(c).isupper() and chr(c).isalpha())
_NAME = rf"[{_UPPER}][^\W\d_]*(?:['’-][^\W\d_]+)*"
_PART = rf"(?:{_NAME}|[{_UPPER}]\.)"
_PARTS = rf"{_PART}(?: (?:(?:de|da|van|von|der|den|la|el|bin|al) ){{0,2}}{_PART}){{0,3}}"
ENGLISH = re.compile(
    rf"(?:(?i:my (?:full |last |first |maiden )?name is|my name's|name['’]s|called|i am called"
    rf"|under (?:the name|my name)(?: of)?|name on (?:the )?(?:order|card|account) is"
    rf"|(?:full |customer |contact |recipient )?name:|recipient:|regards,|sincerely,|signed,|attn:?"
    rf"|(?:deliver|ship|addressed|send it) to (?:mr|ms))\s{{1,2}})(?:(?i:mr|mrs|ms|miss|dr)\.? )?"
    rf"(?P<told>{_PARTS})"
    rf"|(?i:\b(?:mr|mrs|ms|miss|mx|dr|prof))\b\.? (?P<titled>{_PARTS})"
    rf"|(?i:\bthis is|\bi['’]m|\bi am) (?P<self>{_PART} {_PART})"
    r"(?=[,.!]|\s*$| (?:from|here|and|speaking|calling)\b)"
    rf"|(?i:\bthis is) (?P<caller>{_PART})(?= (?:from|here|speaking|calling)\b)"
)
_CALLED = rf"(?P<told>{_NAME}(?: {_PART}){{0,2}})"
_FULL_NAME = rf"(?P<told>{_NAME}(?: {_PART}){{1,2}})"
_END = r"(?=\s*[,.!?;:)\n]|\s*$| [a-z])"
_KIN = (
    "wife|husband|spouse|son|daughter|mother|father|mum|mom|dad|brother|sister|aunt|uncle|cousin"
    "|niece|nephew|grandmother|grandfather|grandson|granddaughter|girlfriend|boyfriend|fianc[eé]e?"
    "|partner|friend|flatmate|roommate|housemate|neighbou?r|colleague|coworker|boss"
)
CUED = tuple(
    re.compile(pattern)
    for pattern in (
        rf"^\s*(?i:dear|hi|hello|hey),? {_CALLED}(?=\s*[,!:\n]| again\b|\s*$)",
        rf"(?i:\b(?:{_KIN})(?:['’]s name)?(?: is| was|,| called| named)?) {_CALLED}{_END}",
        rf"(?i:\b(?:(?:spoke|speak|speaking|talked|talk|chatted|dealt|met) (?:to|with)"
        rf"|follow(?:ed)? up with|signed (?:for )?by|helped by|served by|left (?:it )?with"
        rf"|heard from|addressed to|handed (?:it )?to)) {_CALLED}{_END}",
        rf"(?i:\b(?:recipient|guardian|cardholder|account holder|addressee|receiver|consignee)"
        rf"(?: is| to|:| should be)?) {_FULL_NAME}{_END}",
        rf"(?i:\b(?:change|correct|update|amend) (?:it|(?:the |my )?(?:[a-z]+ )?name)"
        rf"(?: (?:on|in) [a-z ]{{1,25}})? to) {_FULL_NAME}{_END}",
        rf"(?i:\b(?:in|under) (?:the name of|(?:my )?(?:[a-z]+['’]s )?name)) {_CALLED}{_END}",
        rf"(?i:\b(?:account|order|parcel|invoice|booking) (?:of|under)) {_FULL_NAME}{_END}",
        rf"\b(?:here['’]s|where is|is) {_FULL_NAME}(?=['’]s (?:address|account|order|parcel))",
        rf"(?i:(?:thanks|thank you|cheers|best|wishes|regards|sincerely|yours)"
        rf"(?: (?:a lot|so much|again|for [a-z ]{{1,30}}))?[,.! ]{{0,3}})"
        rf"\n\s*{_CALLED}\s*$",
        rf"(?i:\b(?:hired|named him|named her|add)) {_FULL_NAME}{_END}",
        rf"\b(?:Put|put|ask for|Could|could|Can|can|Does|does|Did|did) {_FULL_NAME}"
        rf"(?= (?:on|from|as|call|sign|collect|pick|receive|work|get|speak)\b)",
    )
)
# First words behind those cues that begin no name.
NOT_CALLED = words("""
    Customer Customers Sir Sirs Madam Team Support All Everyone Everybody Folks Guys Friend Friends
    There Service Services Manager Agent Agents Bot Assistant Valued Colleague Colleagues Human
    Sales Seller Shop Store Hello Hi Hey Dear Again Please Thanks Thank Can Could Do Does Is Are My
    The This That It Its We You Your They She He If When What Where Why How Who Which Will Would
    Tea Kettle Order Refund Monday Tuesday Wednesday Thursday Friday Saturday Sunday January
    February March April May June July August September October November December Royal Amazon
    Google Apple Paypal Fedex Ups Dhl Usps Visa Mastercard Alipay Wechat Siri Alexa Microsoft
    Samsung Western American New San Los North South East West Bank Post English Chinese French
    German Spanish Italian Japanese Just Also But And So Not No Yes Ok Okay Sorry An As At In On
    Express Standard Premium Credit Debit Id Zhike I A Could Any Some Anyone Someone Chat
    Today Tomorrow Yesterday Yesterdays Last Next Let Isn Don
    Representative Delivery Shipping Express Billing Accounts Payments Returns Mr Mrs Ms Dr Miss
""")
INNER = re.compile(r"[a-z]{2}[A-Z]|[A-Z]{3}")  # PayPal, DHL
LOWER = re.compile(  # typed without capitals
    r"\bmy name(?: is|['’]s) (?P<low>[a-z]{2,15}(?: [a-z]{2,15})?)"
    r"(?=\s*(?:[,.!?]|$)| (?:and|order|from)\b)"
)
NOT_ENGLISH = words("""
    the a an on in not wrong missing misspelled correct still also is was spelled incorrect
    hidden order number tea kettle refund invoice for to at with card account here happy sorry
    sure
""")


CHINESE = (
    INTRODUCED,
    SELF,
    FIELD,
    TITLED,
    GIVEN_TO,
    RELATIVE,
    ACTING,
    GREETED,
    DIALLED,
    FOREIGN,
    NICKNAME,
)


def find(text: str) -> Iterator[tuple[int, int]]:
    """Start and end of every name. `text` is simplified; names are masked without their titles."""
    for pattern in CHINESE:
        for match in pattern.finditer(text):
            name = match["zh"]
            if not NOT_CHINESE.match(name) and not (pattern is TITLED and _ordinary(text, match)):
                yield match.span("zh")
    for match in ENGLISH.finditer(text):
        group = str(match.lastgroup)
        if match[group].lower() not in NOT_ENGLISH:
            yield match.span(group)
    for pattern in CUED:
        for match in pattern.finditer(text):
            name = match["told"]
            first = re.split(r"[ '’]", name)[0]
            if first.title() not in NOT_CALLED and not INNER.search(name):
                yield match.span("told")
    for match in LOWER.finditer(text):
        if not NOT_ENGLISH & {*match["low"].split()}:
            yield match.span("low")


def _ordinary(text: str, match: re.Match[str]) -> bool:
    """A surname inside another word (那位先生, 老师傅) is none."""
    before = text[match.start() - 1 : match.start()]
    return before in ("这", "那", "哪", "每", "两", "各", "老")
